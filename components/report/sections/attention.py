"""What the network looked at, with a control that has learnt nothing beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from components.beat import CLASSES
from components.report.attribution import Attribution, attribute
from components.report.content import Block, Pictures, Words
from components.report.material import RunMaterial
from components.report.pictures.attention import attention_picture
from components.report.split_beats import blocks, rows_of

EACH = 2
"""Beats of each class that are looked at."""

SERVING = "Format-Serving"
"""Where a model artifact holds its SavedModel."""

EXPLAINED = (
    "Integrated gradients from the average training beat to each beat: solid blue below the beat is where its samples "
    "speak for the class, hatched orange where they speak against it, each beat on a scale of its own. On the right "
    "the same for the network with its weights redrawn at random, which has learnt nothing. Where both sides look "
    "alike, the picture shows the beat's shape, not what was learnt. The beats are the first two of each class in the "
    "test split that were classified rightly; none was picked by eye."
)


def attention(material: RunMaterial) -> list[Block]:
    """Attribute a few test beats of each class to their samples."""
    label, told = material.predictions["label"], material.predictions["candidate"]
    right = told.argmax(axis=1) == label
    rows = {index: np.flatnonzero(right & (label == index))[:EACH] for index in range(len(CLASSES))}
    chosen = np.concatenate(list(rows.values()))
    beats = rows_of(blocks(material.examples("test")), chosen.tolist())
    model = str(Path(material.place("FineTuner", "model"), SERVING))
    found = attribute(model, beats.signal, material.train.mean, beats.label)
    pictures = []
    for index in range(len(CLASSES)):
        of = np.flatnonzero(beats.label == index)
        if len(of):
            part = Attribution(found.learnt[of], found.control[of])
            names = [f"test row {chosen[at]:,}" for at in of]
            alike = ", ".join(f"{value:.2f}" for value in part.likeness())
            caption = f"Class {CLASSES[index]}. Likeness to the control (correlation): {alike}."
            pictures.append(attention_picture(index, beats.signal[of], part, names, caption))
    absent = [CLASSES[index] for index, of in rows.items() if not len(of)]
    blocks_: list[Block] = [Words(EXPLAINED), Pictures(pictures)]
    if absent:
        blocks_.append(Words(f"No test beat of class {', '.join(absent)} was classified rightly."))
    likeness = float(found.likeness().mean()) if len(chosen) else 0.0
    blocks_.append(Words(f"Mean likeness to the control over these beats: {likeness:.2f} (1 would be the same)."))
    return blocks_
