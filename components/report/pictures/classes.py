"""How many beats each class has: counts as bars, shares as a pie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.beat import CLASSES
from components.report.content import Picture
from components.report.drawing import picture
from components.report.palette import CLASS_COLOURS, INK
from components.report.wording import class_title

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def counts_picture(counts: Sequence[int], title: str, caption: str) -> Picture:
    """Draw a bar for each class, its count beside it."""

    from matplotlib.ticker import MaxNLocator

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        bars = axes.barh(range(len(CLASSES)), counts, color=CLASS_COLOURS)
        axes.bar_label(bars, [f" {count:,}" for count in counts], color=INK)
        axes.set_yticks(range(len(CLASSES)), [class_title(index).replace(" or ", "\nor ") for index in range(5)])
        axes.invert_yaxis()
        axes.set(title=title, xlabel="beats", xlim=(0, 1.18 * max(*counts, 1)))
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.grid(visible=False, axis="y")

    return picture(draw, 2.7, f"{title}: {_listed(counts)}.", caption)


def shares_picture(counts: Sequence[int], title: str, caption: str) -> Picture:
    """Draw a pie of the classes' shares, with their percentages in the legend."""
    total = max(sum(counts), 1)
    told = [f"{class_title(index)}  {100 * count / total:.1f} %" for index, count in enumerate(counts)]

    def draw(figure: Figure) -> None:
        pie, legend = figure.subplots(1, 2, width_ratios=(1.0, 1.15))
        if sum(counts):
            edges = {"linewidth": 1, "edgecolor": INK}
            wedges = pie.pie(counts, colors=CLASS_COLOURS, startangle=90, counterclock=False, wedgeprops=edges)[0]
            legend.legend(wedges, told, loc="center left", bbox_to_anchor=(-0.12, 0.5), handlelength=1.0)
        legend.set_axis_off()
        figure.suptitle(title, fontsize=9.5)

    return picture(draw, 2.7, f"{title}: {'; '.join(told)}.", caption)


def _listed(counts: Sequence[int]) -> str:
    return ", ".join(f"{symbol} {count:,}" for symbol, count in zip(CLASSES, counts, strict=True))
