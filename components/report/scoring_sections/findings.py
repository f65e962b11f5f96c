"""What came out of a scoring job, beside what its model was trained on: classes, scores, samples."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES
from components.report.content import Block, Picture, Pictures, Table, Words
from components.report.made import NotReachedError
from components.report.pictures.confusion import confusion_picture
from components.report.pictures.scoring import confidence_picture, histogram_picture, shares_beside_picture
from components.report.scoring_material import ScoringMaterial
from components.report.wording import class_title, count, number, percent
from components.validate.settings import ValidateSettings

SURVEYED = 500_000
"""Scored rows whose probabilities are read: a second or two."""

SAME_PATIENTS = "Where the model was trained on beats of these patients, new ones are answered worse than that."

LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99)
"""Probabilities that the table counts rows below."""


def classes(material: ScoringMaterial) -> list[Block]:
    """Compare the classes' shares with those of training, and with the inputs' own labels."""
    summary = material.summary
    scored, trained = _shares(list(summary["classes"].values())), _shares(material.training_counts)
    if not summary["rows"]["scored"]:
        raise NotReachedError("No row was scored.")
    change, limit = share_change(material), ValidateSettings().label_drift
    worse = f"{'more than' if change > limit else 'not more than'} the {limit:g} at which a training's data gate stops"
    blocks: list[Block] = [
        Words(
            f"The largest change of one class's share is {change:.3f}: {worse}. Given classes are compared with true "
            "ones of training, so a model's own mistakes are part of the change.",
            "warn" if change > limit else "plain",
        ),
        Pictures(
            [shares_beside_picture(scored, trained, "The numbers are percentages."), *_agreement(summary["confusion"])]
        ),
        Table(
            "Rows by the class that the model gave",
            ["class", "rows", "share", "share in training"],
            [
                [class_title(at), count(rows), percent(scored[at]), percent(trained[at])]
                for at, rows in enumerate(summary["classes"].values())
            ],
        ),
    ]
    if summary["confusion"] is None:
        blocks.append(Words("Not all inputs carry labels, so nothing says how many of these are right."))
    return blocks


def _agreement(confusion: list[list[int]] | None) -> list[Picture]:
    if confusion is None:
        return []
    right = float(np.trace(confusion) / max(np.sum(confusion), 1))
    caption = f"Rows are the inputs' own labels; {percent(right)} agree. {SAME_PATIENTS}"
    return [confusion_picture(confusion, "scored rows, by their own labels", caption)]


def _shares(counts: list[int]) -> list[float]:
    return [one / max(sum(counts), 1) for one in counts]


def scores(material: ScoringMaterial) -> list[Block]:
    """Draw how sure the model was."""
    probabilities = _probabilities(material)
    if not len(probabilities):
        raise NotReachedError("No row was scored.")
    sure, predicted = probabilities.max(axis=1), probabilities.argmax(axis=1)
    total = material.summary["rows"]["scored"]
    of = f"{count(len(sure))} scored rows" if len(sure) == total else f"The first {count(len(sure))} of {count(total)}"
    rows = [[f"{level:g}", count(int((sure < level).sum())), percent(float((sure < level).mean()))] for level in LEVELS]
    return [
        Pictures([confidence_picture(sure, predicted, f"{of}.")]),
        Table("Rows of which the model was less sure than", ["probability", "rows", "share"], rows),
    ]


def _probabilities(material: ScoringMaterial) -> npt.NDArray[np.float32]:
    """float32[n, 5] of the first scored rows."""
    parts, seen = [np.empty((0, len(CLASSES)), np.float32)], 0
    for _, record in material.records:
        if seen >= SURVEYED:
            break
        content = material.folder.read(record.parts.name)
        if content is not None and record.scored:
            table = _columns(content, material.job.fingerprint.settings.format)
            parts.append(np.column_stack([table.column(f"p_{symbol}").to_numpy() for symbol in CLASSES]))
            seen += record.scored
    return np.concatenate(parts).astype(np.float32)


def _columns(content: bytes, form: str) -> Any:
    names = [f"p_{symbol}" for symbol in CLASSES]
    if form == "parquet":
        from pyarrow import parquet

        return parquet.read_table(io.BytesIO(content), columns=names)
    from pyarrow import csv

    return csv.read_csv(io.BytesIO(content), convert_options=csv.ConvertOptions(include_columns=names))


def drift(material: ScoringMaterial) -> list[Block]:
    """Compare how samples are spread over 0..1 with training."""
    if not material.summary["rows"]["scored"]:
        raise NotReachedError("No row was scored.")
    now, before = material.summary["histogram"]["counts"], material.training_histogram
    apart, limit = signal_divergence(material), ValidateSettings().signal_drift
    said = "more than" if apart > limit else "not more than"
    return [
        Words(
            f"The Jensen-Shannon divergence of the two is {number(apart, 4)} (0: the same; 1: nothing in common), "
            f"{said} the {limit:g} at which a training's data gate stops (which measures it on buckets of its own). "
            "Padding counts too: how long beats are is part of what the model sees.",
            "warn" if apart > limit else "plain",
        ),
        Pictures([histogram_picture(now, before, apart, "All samples of the scored rows, in 32 equal bins.")]),
    ]


def share_change(material: ScoringMaterial) -> float:
    """The largest difference between a class's share of the scored rows and of the training beats.

    Raises:
        HeartbeatError: nothing is known of the training beats.
    """
    scored, trained = _shares(list(material.summary["classes"].values())), _shares(material.training_counts)
    return max(abs(a - b) for a, b in zip(scored, trained, strict=True))


def signal_divergence(material: ScoringMaterial) -> float:
    """How far the scored rows' samples are from those of training: see `divergence`.

    Raises:
        HeartbeatError: nothing is known of the training samples.
    """
    return divergence(material.summary["histogram"]["counts"], material.training_histogram)


def divergence(one: list[int], other: list[int]) -> float:
    """Jensen-Shannon divergence, base 2, of two histograms with the same bins: 0 for equal, 1 for disjoint ones."""
    first, second = (np.asarray(counts, np.float64) / max(sum(counts), 1) for counts in (one, other))
    middle = (first + second) / 2

    def entropy_to_middle(shares: npt.NDArray[np.float64]) -> float:
        there = shares > 0
        return float((shares[there] * np.log2(shares[there] / middle[there])).sum())

    return (entropy_to_middle(first) + entropy_to_middle(second)) / 2
