"""Confusion matrices: counts and shares of the true class, a darker cell for a larger share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from components.beat import CLASSES
from components.report.content import Picture
from components.report.drawing import picture
from components.report.palette import INK, MAIN
from components.report.wording import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FULL = 0.75
"""Opacity of a cell that holds all beats of its class: the page's ink stands out from it, light and dark, by 5 to 1."""


def confusion_picture(confusion: Sequence[Sequence[int]], title: str, caption: str) -> Picture:
    """Draw a confusion matrix.

    Args:
        confusion: counts [5][5], rows are the truth, in the order of CLASSES.
        title: which model on which beats.
        caption: below the picture.
    """
    counts = np.asarray(confusion, np.int64)
    true = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, true, out=np.zeros(counts.shape), where=true > 0)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.grid(visible=False)
        for row, column in np.ndindex(counts.shape):
            of_true = share[row, column]
            axes.bar(column, 1, 1, bottom=row - 0.5, color=MAIN, alpha=FULL * float(of_true) ** 0.5, linewidth=0)
            axes.text(column, row - 0.1, f"{counts[row, column]:,}", ha="center", va="center", color=INK)
            told = f"{100 * of_true:.1f} %" if true[row, 0] else "–"
            axes.text(column, row + 0.24, told, ha="center", va="center", color=INK, fontsize=7.5)
        axes.set(xlim=(-0.5, 4.5), ylim=(4.5, -0.5), xlabel="predicted", ylabel="true", title=title)
        axes.set_xticks(range(len(CLASSES)), CLASSES)
        axes.set_yticks(range(len(CLASSES)), CLASSES)
        axes.tick_params(length=0)
        for side in axes.spines.values():
            side.set_visible(True)

    return picture(draw, 3.9, _in_words(counts, title), caption)


def _in_words(counts: np.ndarray, title: str) -> str:
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    row, column = divmod(int(wrong.argmax()), len(CLASSES))
    right = percent(float(np.trace(counts) / counts.sum()) if counts.sum() else None)
    most = (
        f"; most often {CLASSES[row]} taken for {CLASSES[column]}, {wrong[row, column]:,} times" if wrong.any() else ""
    )
    return f"Confusion matrix of {title}: {right} of {counts.sum():,} answers on the diagonal{most}."
