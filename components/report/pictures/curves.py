"""Curves over epochs, over noise, over coverage, and the reliability diagram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.evaluate.intervals import wilson
from components.report.content import Picture
from components.report.drawing import picture
from components.report.palette import INK, MAIN, SECOND
from components.report.wording import number, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINES = ((MAIN, "-", "o"), (SECOND, "--", "s"), ("#009E73", ":", "^"))
"""Colour, dash and marker of the first, second and third curve of a picture."""


@dataclass(frozen=True)
class Curve:
    """One curve over epochs."""

    name: str
    values: Sequence[float]


def epochs_picture(
    curves: Sequence[Curve], title: str, unit: str, caption: str, phase_ends: Sequence[int] = ()
) -> Picture:
    """Draw curves over epochs, counted from 1 through all phases.

    Args:
        curves: of the same length.
        title: above the picture.
        unit: of the values, at the vertical axis.
        caption: below the picture.
        phase_ends: epochs after which another phase begins.
    """

    from matplotlib.ticker import MaxNLocator

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for curve, (colour, dash, marker) in zip(curves, LINES, strict=False):
            epochs = range(1, len(curve.values) + 1)
            axes.plot(epochs, curve.values, color=colour, linestyle=dash, marker=marker, markersize=3.5,
                      label=curve.name)  # fmt: skip
        for end in phase_ends:
            axes.axvline(end + 0.5, color=INK, linewidth=0.8, linestyle="-.")
        axes.set(title=title, xlabel="epoch", ylabel=unit)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.legend(loc="outside lower center", ncols=len(curves))

    ends = ", ".join(f"{curve.name} from {curve.values[0]:.3f} to {curve.values[-1]:.3f}" for curve in curves)
    return picture(draw, 3.0, f"{title} over {len(curves[0].values)} epochs: {ends}.", caption)


def noise_picture(levels: Sequence[Mapping[str, Any]], study_sd: float, caption: str) -> Picture:
    """Draw accuracy and macro-F1 with their 95 % intervals against the noise's standard deviation."""
    sds = [level["sd"] for level in levels]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for (name, title), (colour, dash, marker) in zip(MEASURES, LINES, strict=False):
            values = [level[name] for level in levels]
            ends = [level["intervals"][name] for level in levels]
            below = [max(value - low, 0) for value, (low, _) in zip(values, ends, strict=True)]
            above = [max(high - value, 0) for value, (_, high) in zip(values, ends, strict=True)]
            axes.errorbar(sds, values, (below, above), color=colour, linestyle=dash, marker=marker, markersize=4,
                          capsize=3, label=title)  # fmt: skip
        axes.axvline(study_sd, color=INK, linewidth=0.8, linestyle="-.")
        axes.margins(y=0.16)
        axes.annotate("the study's noise", (study_sd, 1), (3, -3), xycoords=("data", "axes fraction"),
                      textcoords="offset points", va="top", fontsize=8)  # fmt: skip
        axes.set(title="Test beats under noise", xlabel="sd of the noise, in units of the 0..1 samples")
        figure.legend(loc="outside lower center", ncols=2)

    told = "; ".join(f"sd {one['sd']:g}: {percent(one['accuracy'])}, {number(one['macro_f1'])}" for one in levels)
    return picture(draw, 3.2, f"Accuracy and macro-F1 by noise level. {told}.", caption)


MEASURES = (("accuracy", "accuracy"), ("macro_f1", "macro-F1"))


def reliability_picture(calibration: Mapping[str, Any], title: str, caption: str) -> Picture:
    """Draw how often the model is right against how sure it says it is, and how many beats each bin has."""
    bins = [one for one in calibration["bins"] if one["count"]]

    def draw(figure: Figure) -> None:
        plot, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        plot.plot((0, 1), (0, 1), color=INK, linewidth=0.9, linestyle="-.", label="perfectly calibrated")
        right = [one["accuracy"] for one in bins]
        ends = [
            wilson(share * one["count"], one["count"]) or (share, share) for share, one in zip(right, bins, strict=True)
        ]
        chance = [[max(abs(share - end[side]), 0) for share, end in zip(right, ends, strict=True)] for side in (0, 1)]
        plot.errorbar([one["confidence"] for one in bins], right, chance, color=MAIN, marker="o", markersize=4,
                      elinewidth=1, capsize=2, label="this model, 95 % intervals")  # fmt: skip
        plot.set(title=title, ylabel="share that is right", ylim=(-0.03, 1.03), xlim=(0, 1))
        plot.legend(loc="upper left")
        middles = [(one["low"] + one["high"]) / 2 for one in bins]
        below.bar(middles, [one["count"] for one in bins], [one["high"] - one["low"] for one in bins], color=MAIN,
                  alpha=0.7, log=True)  # fmt: skip
        below.set(xlabel="confidence: probability of the predicted class", ylabel="beats (log)", ylim=(0.5, None))

    told = "; ".join(f"{one['confidence']:.2f}: {one['accuracy']:.2f} of {one['count']:,}" for one in bins)
    return picture(draw, 3.9, f"{title}. Confidence and share that is right, by bin: {told}.", caption)


def coverage_picture(coverage: Mapping[str, Sequence[Mapping[str, float]]], caption: str) -> Picture:
    """Draw the accuracy on the beats that are answered against their share, surest first."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for (kind, points), (colour, dash, _) in zip(coverage.items(), LINES, strict=False):
            x, y = [point["coverage"] for point in points], [point["accuracy"] for point in points]
            axes.plot(x, y, color=colour, linestyle=dash, label=f"{kind} beats")
        axes.set(title="Accuracy when only the surest beats are answered", xlabel="share of beats answered",
                 ylabel="accuracy of the answers", xlim=(0, 1.01))  # fmt: skip
        figure.legend(loc="outside lower center", ncols=2)

    told = "; ".join(f"{kind} {percent(points[-1]['accuracy'])} of all" for kind, points in coverage.items())
    return picture(draw, 3.2, f"Accuracy against coverage: {told}.", caption)
