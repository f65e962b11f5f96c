"""Pictures inside the page: their colours and style, and how a matplotlib figure becomes an SVG."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final
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
"""Stands for the page's text colour: in an SVG it follows the reader's colour scheme."""

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

STYLE: Final = {
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
}
"""matplotlib's settings for every picture."""

INKED: Final = (
    "text.color",
    "axes.edgecolor",
    "axes.labelcolor",
    "axes.titlecolor",
    "xtick.color",
    "ytick.color",
    "grid.color",
    "legend.labelcolor",
)
"""matplotlib's settings that get the page's text colour."""

_LONG_NUMBER: Final = re.compile(r"(-?\d+\.\d{2})\d+")
_PATH: Final = re.compile(r' d="[^"]*"')
_HEAD: Final = re.compile(r"^.*?(?=<svg )", re.DOTALL)
_METADATA: Final = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_SPACE: Final = re.compile(r"\s*\n\s*")


Draw = Callable[["Figure"], None]
"""Draws into an empty figure; INK is the colour of text and of lines that belong to no class or curve."""


def picture(draw: Draw, height: float, alt: str, caption: str) -> Picture:
    """Draw a picture as an SVG whose ink follows `prefers-color-scheme`.

    Args:
        draw: draws into an empty figure.
        height: in inches; all pictures are WIDTH wide.
        alt: what can be seen, in words.
        caption: below the picture.
    """
    import matplotlib
    from matplotlib.figure import Figure

    file = io.StringIO()
    with matplotlib.rc_context({**STYLE, **dict.fromkeys(INKED, INK)}):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        draw(figure)
        figure.savefig(file, format="svg", metadata={"Date": None})
    text = _HEAD.sub("", file.getvalue())
    text = _COMMENT.sub("", _METADATA.sub("", text))
    text = _PATH.sub(lambda path: _LONG_NUMBER.sub(r"\1", path[0]), text)
    text = _SPACE.sub(" ", text).replace(INK, "currentColor")
    scheme = (
        f"<style>svg{{color:{INK_ON['light']}}}"
        f"@media (prefers-color-scheme:dark){{svg{{color:{INK_ON['dark']}}}}}</style>"
    )
    text = text.replace(">", f">{scheme}", 1).replace('"', "'")
    source = "data:image/svg+xml," + quote(text, safe=" '/:;=,()!*-._~{}@?+")
    return Picture(source, alt, caption, (round(WIDTH * CSS_PIXELS), round(height * CSS_PIXELS)))
