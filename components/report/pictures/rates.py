"""Recall, precision and F1 of each class with their intervals, and the Tuner's trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from components.beat import CLASSES
from components.report.content import Picture
from components.report.drawing import picture
from components.report.palette import CLASS_COLOURS, CLASS_MARKERS, INK, MAIN
from components.report.wording import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def rates_picture(rates: Mapping[str, Any], intervals: Mapping[str, Any], title: str, caption: str) -> Picture:
    """Draw three rates of each class with 95 % intervals.

    Args:
        rates: `recall`, `precision`, `f1` -> a value a class, None where the class has no beat.
        intervals: the same names -> (low, high) a class, or None.
        title: which beats.
        caption: below the picture.
    """

    def draw(figure: Figure) -> None:
        plots = figure.subplots(1, len(rates), sharey=True)
        for axes, (name, values) in zip(plots, rates.items(), strict=True):
            for index, value in enumerate(values):
                ends = intervals[name][index]
                if value is None or ends is None:
                    continue
                axes.hlines(index, *ends, color=CLASS_COLOURS[index], linewidth=2.2)
                axes.plot(value, index, color=CLASS_COLOURS[index], marker=CLASS_MARKERS[index], markersize=6,
                          markeredgecolor=INK, markeredgewidth=0.6, clip_on=False)  # fmt: skip
            axes.set(title=name.upper() if name == "f1" else name, xlim=(_left(rates, intervals), 1.02))
        plots[0].set_yticks(range(len(CLASSES)), CLASSES)
        plots[0].set_ylim(len(CLASSES) - 0.5, -0.5)
        figure.suptitle(title, fontsize=9.5)

    told = "; ".join(
        f"{name} " + ", ".join(f"{CLASSES[index]} {number(value)}" for index, value in enumerate(values))
        for name, values in rates.items()
    )
    return picture(draw, 2.6, f"{title}: {told}.", caption)


def _left(rates: Mapping[str, Any], intervals: Mapping[str, Any]) -> float:
    """Where the axes begin: a little below the lowest end, at a tenth."""
    lows = [ends[0] for name in rates for ends in intervals[name] if ends is not None]
    return max(0.0, int(10 * min(lows, default=0.0)) / 10 - 0.02)


def trials_picture(trials: Sequence[Mapping[str, Any]], measure: str, caption: str) -> Picture:
    """Draw the score of each trial in the order they were tried, the best one ringed."""
    tried = sorted(trials, key=lambda trial: int(trial["trial_id"]))
    scores = [trial["score"] for trial in tried]
    best = min(range(len(scores)), key=scores.__getitem__)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot(range(1, len(scores) + 1), scores, color=MAIN, marker="o", linestyle=":")
        axes.plot(best + 1, scores[best], marker="o", markersize=13, markerfacecolor="none", markeredgecolor=INK)
        axes.annotate("best", (best + 1, scores[best]), (0, 11), textcoords="offset points", ha="center")
        axes.margins(0.15, 0.25)
        axes.set(title="The Tuner's trials", xlabel="trial", ylabel=measure)
        axes.set_xticks(range(1, len(scores) + 1))

    alt = f"{measure} of {len(scores)} trials; the best is trial {best + 1} with {scores[best]:.4f}."
    return picture(draw, 2.7, alt, caption)
