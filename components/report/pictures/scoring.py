"""What a scoring job found beside what the model was trained on, how sure it was, and how fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES
from components.report.content import Picture
from components.report.drawing import picture
from components.report.palette import CLASS_COLOURS, INK, MAIN, SECOND

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONFIDENCE_BINS = 40

DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
"""A dash for each class, beside its colour."""


def shares_beside_picture(scored: Sequence[float], trained: Sequence[float], caption: str) -> Picture:
    """Draw each class's share of the scored rows (full) beside that of the training beats (hatched)."""
    places = np.arange(len(CLASSES))

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.bar(places - 0.2, scored, 0.38, color=CLASS_COLOURS)
        axes.bar(places + 0.2, trained, 0.38, color="none", edgecolor=CLASS_COLOURS, hatch="////")
        for place, share in [*zip(places - 0.2, scored, strict=True), *zip(places + 0.2, trained, strict=True)]:
            axes.annotate(f"{100 * share:.1f}", (place, share), (0, 2), textcoords="offset points", ha="center",
                          fontsize=7.5)  # fmt: skip
        axes.set_xticks(places, CLASSES)
        axes.set(title="Scored rows (full) and training beats (hatched)", ylabel="share", ylim=(0, 1.1))
        axes.grid(visible=False, axis="x")

    told = "; ".join(
        f"{name} {100 * now:.1f} % of the rows, {100 * before:.1f} % in training"
        for name, now, before in zip(CLASSES, scored, trained, strict=True)
    )
    return picture(draw, 3.0, f"Class shares. {told}.", caption)


def histogram_picture(scored: Sequence[int], trained: Sequence[int], divergence: float, caption: str) -> Picture:
    """Draw how samples are spread over 0..1, in the scored rows and in training."""
    edges = np.linspace(0, 1, len(scored) + 1)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for counts, colour, dash, name in ((scored, MAIN, "-", "scored"), (trained, SECOND, "--", "training")):
            share = np.asarray(counts) / max(sum(counts), 1)
            axes.stairs(share, edges, color=colour, linestyle=dash, linewidth=1.6, label=name)
        axes.set(title="Samples by value", xlabel="value of a sample, 0..1", ylabel="share of samples (log)",
                 yscale="log", xlim=(0, 1))  # fmt: skip
        figure.legend(loc="outside lower center", ncols=2)

    alt = f"Shares of samples in {len(scored)} bins of value, scored and training; divergence {divergence:.4f}."
    return picture(draw, 3.1, alt, caption)


def confidence_picture(confidence: npt.NDArray[np.float32], predicted: npt.NDArray[np.int64], caption: str) -> Picture:
    """Draw how sure the model was of the classes that it gave.

    Args:
        confidence: float32[n], probability of the class that was given.
        predicted: int64[n].
        caption: below the picture.
    """

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for index, colour in enumerate(CLASS_COLOURS):
            counts, edges = np.histogram(confidence[predicted == index], CONFIDENCE_BINS, (0, 1))
            axes.stairs(counts, edges, color=colour, linestyle=DASHES[index], linewidth=1.6, label=CLASSES[index])
        axes.set(title="How sure the model was", xlabel="probability of the class that was given", ylabel="rows (log)",
                 xlim=(0, 1), yscale="log")  # fmt: skip
        figure.legend(loc="outside lower center", ncols=len(CLASSES))

    low, middle = (float(np.percentile(confidence, at)) if len(confidence) else 0.0 for at in (5, 50))
    alt = f"Histogram of the probabilities of the given classes: half above {middle:.3f}, 5 % below {low:.3f}."
    return picture(draw, 3.1, alt, caption)


def rates_picture(rates: Sequence[float], caption: str) -> Picture:
    """Draw rows a second of each shard."""
    from matplotlib.ticker import MaxNLocator

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot(range(len(rates)), rates, color=MAIN, marker="o", markersize=3.5, linestyle="")
        axes.axhline(float(np.median(rates)), color=INK, linewidth=0.9, linestyle="-.")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(title="Rows a second, by shard", xlabel="shard", ylabel="rows/s", ylim=(0, 1.15 * max(rates)))
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))

    alt = (
        f"Rows a second of {len(rates)} shards: {min(rates):,.0f} to {max(rates):,.0f}, median {np.median(rates):,.0f}."
    )
    return picture(draw, 2.7, alt, caption)
