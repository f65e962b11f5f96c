"""Per class: recall, precision and F1 with intervals, confusion matrices, and the most confident mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, Beats
from components.errors import counted
from components.report.content import Block, Picture, Pictures, Table, Words
from components.report.drawing import (
    CLASS_COLOURS,
    CLASS_MARKERS,
    INK,
    MAIN,
    TIME_MS,
    WINDOW_MS,
    new_figure,
    picture,
)
from components.report.material import RunMaterial
from components.report.wording import between, class_title, count, number, percent

LABEL_ERRORS: Final = " Some may be mislabelled, or indistinguishable in one beat of one lead."

MISTAKES: Final = 12
"""Number of mistakes drawn, in two pictures."""

FULL: Final = 0.75
"""Opacity of a matrix cell that holds all beats of its class: ink on it keeps a contrast of 5 to 1, light and dark."""


def class_rates(material: RunMaterial) -> list[Block]:
    """Tabulate and draw the candidate's rates on clean and on noisy beats."""
    judgement = material.judgement
    tables, pictures = list[Block](), []
    for kind in ("clean", "noisy"):
        rates, intervals = rates_of(judgement, kind), judgement["intervals"][kind]
        pictures.append(rates_picture(judgement, kind, f"Fine-tuned model, {kind} beats", "Bars: 95 % intervals."))
        rows = []
        for index, confused in enumerate(judgement["metrics"][kind]["confusion"]):
            row = [class_title(index), count(sum(confused))]
            for name, values in rates.items():
                row += [number(values[index]), between(intervals[name][index])]
            rows.append(row)
        tables.append(
            Table(
                f"The fine-tuned model on {kind} test beats, class by class",
                ["class", "beats", "recall", "95 % interval", "precision", "95 % interval", "F1", "95 % interval"],
                rows,
            )
        )
    return [
        Words(
            "Recall is the share of a class's beats that are found, precision the share of the beats given that class "
            "that belong to it, F1 their harmonic mean. Rare classes have wide intervals: a change within them does "
            "not make a model better. The study gives no figure for single classes. Noisy beats are counted once for "
            "each draw of noise; their intervals count each beat once."
        ),
        Pictures(pictures),
        *tables,
    ]


def rates_of(judgement: Mapping[str, Any], kind: str) -> dict[str, list[float | None]]:
    """Return recall, precision and F1 of the candidate, a value for each class; None if the class has no beat."""
    metrics = judgement["metrics"][kind]
    return {"recall": metrics["recall"], "precision": metrics["precision"], "f1": judgement["f1"][kind]}


def rates_picture(judgement: Mapping[str, Any], kind: str, title: str, caption: str) -> Picture:
    """Draw the candidate's three rates of each class on `clean` or `noisy` beats, with 95 % intervals."""
    rates, intervals = rates_of(judgement, kind), judgement["intervals"][kind]
    lowest = min((ends[0] for name in rates for ends in intervals[name] if ends is not None), default=0.0)
    with new_figure(2.6) as figure:
        plots = figure.subplots(1, len(rates), sharey=True)
        for axes, (name, values) in zip(plots, rates.items(), strict=True):
            for index, value in enumerate(values):
                ends = intervals[name][index]
                if value is None or ends is None:
                    continue
                axes.hlines(index, *ends, color=CLASS_COLOURS[index], linewidth=2.2)
                axes.plot(value, index, color=CLASS_COLOURS[index], marker=CLASS_MARKERS[index], markersize=6,
                          markeredgecolor=INK, markeredgewidth=0.6, clip_on=False)  # fmt: skip
            axes.set(title="F1" if name == "f1" else name, xlim=(max(0.0, int(10 * lowest) / 10 - 0.02), 1.02))
        plots[0].set_yticks(range(len(CLASSES)), CLASSES)
        plots[0].set_ylim(len(CLASSES) - 0.5, -0.5)
        figure.suptitle(title, fontsize=9.5)
    listed = "; ".join(
        f"{name} " + ", ".join(f"{symbol} {number(value)}" for symbol, value in zip(CLASSES, values, strict=True))
        for name, values in rates.items()
    )
    return picture(figure, f"{title}: {listed}.", caption)


def confusion_picture(confusion: Sequence[Sequence[int]], title: str, caption: str) -> Picture:
    """Draw a confusion matrix: counts and shares of the true class, a darker cell for a larger share.

    `confusion` holds counts [5][5]; rows are the truth, in the order of CLASSES.
    """
    counts = np.asarray(confusion, np.int64)
    true = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, true, out=np.zeros(counts.shape), where=true > 0)
    with new_figure(3.9) as figure:
        axes = figure.subplots()
        axes.grid(visible=False)
        for row, column in np.ndindex(counts.shape):
            share = shares[row, column]
            axes.bar(column, 1, 1, bottom=row - 0.5, color=MAIN, alpha=FULL * float(share) ** 0.5, linewidth=0)
            axes.text(column, row - 0.1, f"{counts[row, column]:,}", ha="center", va="center", color=INK)
            text = f"{100 * share:.1f} %" if true[row, 0] else "–"
            axes.text(column, row + 0.24, text, ha="center", va="center", color=INK, fontsize=7.5)
        axes.set(xlim=(-0.5, 4.5), ylim=(4.5, -0.5), xlabel="predicted", ylabel="true", title=title)
        axes.set_xticks(range(len(CLASSES)), CLASSES)
        axes.set_yticks(range(len(CLASSES)), CLASSES)
        axes.tick_params(length=0)
        for side in axes.spines.values():
            side.set_visible(True)
    wrong = counts * (1 - np.eye(len(CLASSES), dtype=np.int64))
    row, column = divmod(int(wrong.argmax()), len(CLASSES))
    right = percent(float(np.trace(counts) / counts.sum()) if counts.sum() else None)
    most = (
        f"; most often {CLASSES[row]} taken for {CLASSES[column]}, {wrong[row, column]:,} times" if wrong.any() else ""
    )
    alt = f"Confusion matrix of {title}: {right} of {counted(counts.sum(), 'answer')} on the diagonal{most}."
    return picture(figure, alt, caption)


def mistakes(material: RunMaterial) -> list[Block]:
    """Draw the mistakes that the candidate was most confident of, on clean test beats."""
    label, probabilities = material.predictions["label"], material.predictions["candidate"]
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != label)
    if not len(wrong):
        return [Words(f"None: all {len(label):,} clean test beats were classified correctly.")]
    shown = wrong[np.argsort(-confidence[wrong], kind="stable")][:MISTAKES]
    beats = material.test_beats(shown)
    halves = [half for half in np.array_split(np.arange(len(shown)), 2) if len(half)]
    return [
        Words(
            f"{len(wrong):,} of {len(label):,} clean test beats ({percent(len(wrong) / len(label))}) were taken for "
            "another class. Below are those that the model was surest of; the number is the probability that it gave "
            f"the wrong class.{'' if material.synthetic else LABEL_ERRORS}"
        ),
        Pictures(
            [
                mistakes_picture(
                    beats.take(half), shown[half], predicted[shown[half]], confidence[shown[half]], material.train.kept
                )
                for half in halves
            ]
        ),
    ]


def mistakes_picture(
    beats: Beats,
    rows: npt.NDArray[np.int64],
    predicted: npt.NDArray[np.int64],
    confidence: npt.NDArray[np.float32],
    typical: Sequence[Beats],
) -> Picture:
    """Draw misclassified beats, each with the median of the class that it was taken for.

    `rows`, `predicted` and `confidence` have a value for each beat; `typical` holds beats of each class.
    """
    classes = zip(beats.label, predicted, strict=True)
    titles = [f"{CLASSES[label]} taken for {CLASSES[other]}" for label, other in classes]
    lines = -(-len(beats) // 2)
    with new_figure(0.5 + 1.35 * lines) as figure:
        plots = figure.subplots(lines, 2, sharex=True, sharey=True, squeeze=False).ravel()
        for index, title in enumerate(titles):
            axes, others = plots[index], typical[predicted[index]]
            if len(others):
                colour = CLASS_COLOURS[predicted[index]]
                axes.plot(TIME_MS, np.median(others.signal, axis=0), color=colour, linestyle="--", linewidth=1.1)
            axes.plot(TIME_MS, beats.signal[index], color=CLASS_COLOURS[beats.label[index]])
            source = f"test row {rows[index]:,}" + (f", record {beats.record[index]}" if beats.record else "")
            title = f"{title}, {confidence[index]:.3f}\n{source}"
            axes.set_title(title, loc="left", fontsize=8, pad=2, color=INK)
            axes.set(ylim=(-0.05, 1.08), xlim=WINDOW_MS, xticks=(0, 500, 1000, 1500), yticks=(0, 0.5, 1))
        for axes in plots[len(beats) :]:
            axes.set_axis_off()
        figure.supxlabel("time (ms)", fontsize=9.5)
    listed = "; ".join(f"{title} at {sure:.3f}" for title, sure in zip(titles, confidence, strict=True))
    return picture(
        figure,
        f"Wrongly classified beats: {listed}.",
        "Solid: the beat, in its own class's colour. Dashed: the median training beat of the class it was taken for.",
    )
