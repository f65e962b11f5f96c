"""Attributions over beats: the model's on the left, its control's on the right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from components.report.attribution import Attribution
from components.report.content import Picture
from components.report.drawing import picture
from components.report.palette import INK, MAIN, SECOND
from components.report.pictures.beats import TIME_MS, WINDOW_MS
from components.report.wording import class_title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CENTRE, HALF = -0.45, 0.38
"""Where the attributions are drawn below the beat, in units of its amplitude."""


def attention_picture(
    label: int, signal: npt.NDArray[np.float32], found: Attribution, names: Sequence[str], caption: str
) -> Picture:
    """Draw beats of one class with what spoke for and against it.

    Args:
        label: the class.
        signal: float32[n, 187].
        found: attributions of these beats.
        names: what to call each beat.
        caption: below the picture.
    """

    def draw(figure: Figure) -> None:
        plots = figure.subplots(len(signal), 2, sharex=True, sharey=True, squeeze=False)
        for column, (values, title) in enumerate(((found.learnt, "this model"), (found.control, "weights redrawn"))):
            for row, beat in enumerate(signal):
                axes = plots[row, column]
                height = CENTRE + HALF * values[row] / (float(np.abs(values[row]).max()) or 1.0)
                axes.plot(TIME_MS, beat, color=INK, linewidth=1.2)
                axes.axhline(CENTRE, color=INK, linewidth=0.5)
                for side, colour, hatch in ((values[row] > 0, MAIN, ""), (values[row] < 0, SECOND, "////")):
                    axes.fill_between(TIME_MS, CENTRE, np.where(side, height, CENTRE), step="mid", color=colour,
                                      linewidth=0, hatch=hatch)  # fmt: skip
                axes.set(xlim=WINDOW_MS, xticks=(0, 500, 1000, 1500), ylim=(-0.9, 1.08), yticks=())
                axes.grid(visible=False)
                if row == 0:
                    axes.set_title(title)
                if column == 0:
                    axes.set_ylabel(names[row], fontsize=8)
        figure.suptitle(class_title(label), fontsize=9.5)
        figure.supxlabel("time (ms)", fontsize=9.5)

    return picture(draw, 0.9 + 1.15 * len(signal), _in_words(label, signal, found), caption)


def _in_words(label: int, signal: npt.NDArray[np.float32], found: Attribution) -> str:
    at = ", ".join(f"{TIME_MS[int(np.abs(values).argmax())]:.0f} ms" for values in found.learnt)
    same = ", ".join(f"{value:.2f}" for value in found.likeness())
    return (
        f"Attribution over {len(signal)} beats of class {class_title(label)}, beside a control with redrawn weights. "
        f"The samples that count most are at {at}; likeness to the control {same}."
    )
