"""Beats that the model got wrong, the surest first."""

from __future__ import annotations

import numpy as np

from components.report.content import Block, Pictures, Words
from components.report.material import RunMaterial
from components.report.pictures.beats import Mistake, mistakes_picture
from components.report.split_beats import blocks, rows_of
from components.report.wording import percent

LABELS = " Some may be labelled wrongly, or not to be told apart by one beat of one lead."

SHOWN = 12
"""Mistakes that are drawn, in two pictures."""


def mistakes(material: RunMaterial) -> list[Block]:
    """Draw the mistakes that the candidate was surest of, on clean test beats."""
    label, told = material.predictions["label"], material.predictions["candidate"]
    predicted, sure = told.argmax(axis=1), told.max(axis=1)
    wrong = np.flatnonzero(predicted != label)
    if not len(wrong):
        return [Words(f"None: all {len(label):,} clean test beats were classified rightly.")]
    surest = wrong[np.argsort(-sure[wrong], kind="stable")][:SHOWN]
    beats = rows_of(blocks(material.examples("test")), surest.tolist())
    shown = [
        Mistake(
            signal=beats.signal[place],
            label=int(label[row]),
            predicted=int(predicted[row]),
            confidence=float(sure[row]),
            origin=f"test row {row:,}" + (f", record {beats.record[place]}" if beats.record else ""),
        )
        for place, row in enumerate(surest)
    ]
    half = -(-len(shown) // 2)
    parts = [part for part in (shown[:half], shown[half:]) if part]
    caption = (
        "Solid: the beat, in its own class's colour. Dashed: the median training beat of the class it was taken for."
    )
    return [
        Words(
            f"{len(wrong):,} of {len(label):,} clean test beats ({percent(len(wrong) / len(label))}) were taken for "
            "another class. Below are those that the model was surest of; the number is the probability that it gave "
            f"the wrong class.{'' if material.synthetic else LABELS}"
        ),
        Pictures([mistakes_picture(part, material.train.kept, caption) for part in parts]),
    ]
