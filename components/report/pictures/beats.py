"""Beats over time: a sample of each class, the middle of each class, and beats that were taken for another class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, SAMPLE_RATE_HZ, SAMPLES, Beats
from components.report.content import Picture
from components.report.drawing import picture
from components.report.palette import CLASS_COLOURS, INK
from components.report.wording import class_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TIME_MS: Final = np.arange(SAMPLES) * (1000 / SAMPLE_RATE_HZ)
"""float64[187], milliseconds after a beat's first sample."""

WINDOW_MS: Final = (0.0, 1560.0)


DrawClass = Callable[["Axes", Beats, str], None]
"""Draws beats of a class into its plot, in its colour."""


@dataclass(frozen=True)
class Mistake:
    """A beat that was taken for another class.

    Attributes:
        signal: float32[187].
        label: its class.
        predicted: the class it was taken for.
        confidence: probability that the model gave the wrong class.
        origin: where it comes from, in words.
    """

    signal: npt.NDArray[np.float32]
    label: int
    predicted: int
    confidence: float
    origin: str


def samples_picture(kept: Sequence[Beats], caption: str) -> Picture:
    """Draw the first beat of each class."""

    def one(axes: Axes, beats: Beats, colour: str) -> None:
        axes.plot(TIME_MS, beats.signal[0], color=colour, linewidth=1.3)

    alt = f"A sample beat of each class ({_present(kept)}) over 1,560 ms, amplitude scaled 0 to 1."
    return _by_class(kept, one, alt, caption)


def middles_picture(kept: Sequence[Beats], caption: str) -> Picture:
    """Draw the median of each class and the band that holds the middle 80 % of its beats, sample by sample."""

    def one(axes: Axes, beats: Beats, colour: str) -> None:
        low, middle, high = np.percentile(beats.signal, (10, 50, 90), axis=0)
        axes.fill_between(TIME_MS, low, high, color=colour, alpha=0.25, linewidth=0)
        axes.plot(TIME_MS, middle, color=colour)

    alt = f"Median beat of each class ({_present(kept)}) with the band of the middle 80 %, over 1,560 ms."
    return _by_class(kept, one, alt, caption)


def _by_class(kept: Sequence[Beats], one: DrawClass, alt: str, caption: str) -> Picture:
    def draw(figure: Figure) -> None:
        plots = figure.subplots(len(CLASSES), 1, sharex=True, sharey=True)
        for index, axes in enumerate(plots):
            if len(kept[index]):
                one(axes, kept[index], CLASS_COLOURS[index])
            else:
                axes.text(780, 0.5, "no beat of this class", ha="center", va="center")
            axes.set_title(class_title(index), loc="left", pad=2)
            axes.set(ylim=(-0.05, 1.08), xlim=WINDOW_MS, yticks=(0, 0.5, 1))
        plots[-1].set_xlabel("time (ms)")
        plots[2].set_ylabel("amplitude, scaled 0 to 1")

    return picture(draw, 6.6, alt, caption)


def mistakes_picture(mistakes: Sequence[Mistake], typical: Sequence[Beats], caption: str) -> Picture:
    """Draw wrong beats, each with the median of the class that it was taken for."""

    def draw(figure: Figure) -> None:
        lines = -(-len(mistakes) // 2)
        plots = figure.subplots(lines, 2, sharex=True, sharey=True, squeeze=False)
        for axes, mistake in zip(plots.ravel(), mistakes, strict=False):
            of = typical[mistake.predicted]
            if len(of):
                colour = CLASS_COLOURS[mistake.predicted]
                axes.plot(TIME_MS, np.median(of.signal, axis=0), color=colour, linestyle="--", linewidth=1.1)
            axes.plot(TIME_MS, mistake.signal, color=CLASS_COLOURS[mistake.label])
            title = f"{CLASSES[mistake.label]} taken for {CLASSES[mistake.predicted]}, {mistake.confidence:.3f}"
            axes.set_title(f"{title}\n{mistake.origin}", loc="left", fontsize=8, pad=2, color=INK)
            axes.set(ylim=(-0.05, 1.08), xlim=WINDOW_MS, xticks=(0, 500, 1000, 1500), yticks=(0, 0.5, 1))
        for axes in plots.ravel()[len(mistakes) :]:
            axes.set_axis_off()
        figure.supxlabel("time (ms)", fontsize=9.5)

    listed = "; ".join(
        f"{CLASSES[each.label]} taken for {CLASSES[each.predicted]} at {each.confidence:.3f}" for each in mistakes
    )
    return picture(draw, 0.5 + 1.35 * -(-len(mistakes) // 2), f"Wrongly classified beats: {listed}.", caption)


def _present(kept: Sequence[Beats]) -> str:
    return ", ".join(symbol for symbol, beats in zip(CLASSES, kept, strict=True) if len(beats)) or "none"
