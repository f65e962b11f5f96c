"""From a matplotlib figure to a picture inside the page: an SVG, or PNGs where these are smaller."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from components.report.content import Picture
from components.report.palette import INK, INK_ON

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH: Final = 4.6
"""Inches of a picture: 442 CSS pixels at full size, so that its 9.5 point letters can be read on a 390 pixel screen."""

CSS_PIXELS: Final = 96
"""CSS pixels in an inch."""

PNG_DPI: Final = 160

SMALL_SVG: Final = 60_000
"""Characters up to which an SVG is taken without drawing PNGs to compare: two PNGs of this size are not smaller."""

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
"""Settings of every picture."""

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
"""Settings that hold the page's text colour."""

_LONG_NUMBER: Final = re.compile(r"(-?\d+\.\d{2})\d+")
_PATH: Final = re.compile(r' d="[^"]*"')
_HEAD: Final = re.compile(r"^.*?(?=<svg )", re.DOTALL)
_METADATA: Final = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_SPACE: Final = re.compile(r"\s*\n\s*")


Draw = Callable[["Figure"], None]
"""Draws into an empty figure; INK is the colour of text and lines that belong to no class or curve."""


def picture(draw: Draw, height: float, alt: str, caption: str) -> Picture:
    """Draw a picture: an SVG, or two PNGs (for light and dark pages) if together they are smaller.

    Args:
        draw: what is drawn.
        height: in inches, at the width of all pictures.
        alt: what can be seen, in words.
        caption: below the picture.
    """
    import matplotlib
    from matplotlib.figure import Figure

    size = (round(WIDTH * CSS_PIXELS), round(height * CSS_PIXELS))
    with matplotlib.rc_context({**STYLE, **dict.fromkeys(INKED, INK)}):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        draw(figure)
        svg = _svg_uri(figure)
        if len(svg) > SMALL_SVG:
            figure.set_layout_engine("none")  # all has its place by now
            light, dark = (_png_uri(figure, INK_ON[scheme]) for scheme in ("light", "dark"))
            if len(light) + len(dark) < len(svg):
                return Picture(light, alt, caption, size, dark)
    return Picture(svg, alt, caption, size)


def _svg_uri(figure: Figure) -> str:
    """An SVG whose ink follows `prefers-color-scheme`."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    text = _HEAD.sub("", file.getvalue())
    text = _COMMENT.sub("", _METADATA.sub("", text))
    text = _PATH.sub(lambda found: _LONG_NUMBER.sub(r"\1", found[0]), text)
    text = _SPACE.sub(" ", text).replace(INK, "currentColor")
    scheme = (
        f"<style>svg{{color:{INK_ON['light']}}}"
        f"@media (prefers-color-scheme:dark){{svg{{color:{INK_ON['dark']}}}}}</style>"
    )
    text = text.replace(">", f">{scheme}", 1).replace('"', "'")
    return "data:image/svg+xml," + quote(text, safe=" '/:;=,()!*-._~{}@?+")


def _png_uri(figure: Figure, colour: str) -> str:
    """A PNG on no background, in an ink of this colour; the figure has its own again afterwards."""
    file = io.BytesIO()
    inked = _inked(figure)
    for change in inked:
        change(colour)
    figure.savefig(file, format="png", dpi=PNG_DPI)
    for change in inked:
        change(INK)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _inked(figure: Figure) -> list[Callable[[str], None]]:
    """What changes the colour of each thing that is drawn in ink."""
    from matplotlib.colors import is_color_like, same_color

    found = []
    for artist in figure.findobj():
        for part in ("color", "edgecolor", "markeredgecolor"):
            colour: Any = getattr(artist, f"get_{part}", lambda: None)()
            if is_color_like(colour) and same_color(colour, INK):
                found.append(getattr(artist, f"set_{part}"))
    return found
