"""Pictures inside the page: their colours and style, and how a matplotlib figure becomes an SVG."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import numpy as np

from components.beat import SAMPLE_RATE_HZ, SAMPLES
from components.report.content import Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CLASS_COLOURS: Final = ("#0072B2", "#E69F00", "#D55E00", "#009E73", "#CC79A7")
"""Blue, orange, vermilion, bluish green, reddish purple for N S V F Q: Okabe and Ito's palette, which people with any
colour vision can tell apart. Every picture also shows a class's letter, name or marker, so none depends on colour."""

CLASS_MARKERS: Final = ("o", "s", "^", "D", "v")

MAIN: Final = "#0072B2"
SECOND: Final = "#D55E00"
"""Colours of two things compared that are not classes."""

CURVE_STYLES: Final = ((MAIN, "-", "o"), (SECOND, "--", "s"), ("#009E73", ":", "^"))
"""Colour, line style and marker of the first, second and third curve of a picture."""

INK: Final = "#010203"
"""Placeholder for the page's text colour: in an SVG it follows the reader's colour scheme."""

INK_ON: Final = {"light": "#1b1f24", "dark": "#e4e7eb"}
"""The text colour on a light and on a dark page; the template has the same."""

TIME_MS: Final = np.arange(SAMPLES) * (1000 / SAMPLE_RATE_HZ)
"""float64[187], milliseconds after a beat's first sample."""

WINDOW_MS: Final = (0.0, 1560.0)
"""Limits of the time axis of a beat."""

WIDTH: Final = 4.6
"""Inches of a picture: 442 CSS pixels at full size, so that its 9.5 point letters can be read on a 390 pixel screen."""

CSS_PIXELS: Final = 96
"""CSS pixels in an inch."""

STYLE: Final[Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9.5,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.18,
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.5,
    "svg.fonttype": "path",
    "svg.hashsalt": "heartbeat",
    "path.simplify": True,
    **dict.fromkeys(
        (
            "text.color",
            "axes.edgecolor",
            "axes.labelcolor",
            "axes.titlecolor",
            "xtick.color",
            "ytick.color",
            "grid.color",
            "legend.labelcolor",
        ),
        INK,
    ),
}
"""matplotlib's settings for every picture."""

_NOT_DRAWN: Final = re.compile(r"^.*?(?=<svg )|<metadata>.*?</metadata>|<!--.*?-->", re.DOTALL)
_PATH: Final = re.compile(r' d="[^"]*"')
_LONG_NUMBER: Final = re.compile(r"(-?\d+\.\d{2})\d+")


@contextmanager
def new_figure(height: float) -> Iterator[Figure]:
    """Yield an empty figure, WIDTH by `height` inches, to be drawn into in the report's style.

    INK is the colour of text and of lines that belong to no class or curve.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        yield Figure(figsize=(WIDTH, height), layout="constrained")


def picture(figure: Figure, alt: str, caption: str) -> Picture:
    """Return a figure as an SVG whose ink follows `prefers-color-scheme`."""
    import matplotlib

    file = io.StringIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(file, format="svg", metadata={"Date": None})
    text = _NOT_DRAWN.sub("", file.getvalue())
    text = _PATH.sub(lambda path: _LONG_NUMBER.sub(r"\1", path[0]), text)
    text = re.sub(r"\s*\n\s*", " ", text).replace(INK, "currentColor")
    scheme = (
        f"<style>svg{{color:{INK_ON['light']}}}"
        f"@media (prefers-color-scheme:dark){{svg{{color:{INK_ON['dark']}}}}}</style>"
    )
    text = text.replace(">", f">{scheme}", 1).replace('"', "'")
    source = "data:image/svg+xml," + quote(text, safe=" '/:;=,()!*-._~{}@?+")
    width, height = figure.get_size_inches()
    return Picture(source, alt, caption, (round(width * CSS_PIXELS), round(height * CSS_PIXELS)))
