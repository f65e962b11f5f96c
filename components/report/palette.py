"""Colours of the pictures: Okabe and Ito's, which people with any colour vision can tell apart.

A class has the same colour in every picture, and its letter or name beside it, so that no picture needs colour.
"""

from __future__ import annotations

from typing import Final

CLASS_COLOURS: Final = ("#0072B2", "#E69F00", "#D55E00", "#009E73", "#CC79A7")
"""Blue, orange, vermilion, bluish green, reddish purple: N S V F Q."""

CLASS_MARKERS: Final = ("o", "s", "^", "D", "v")
"""A shape for each class, beside its colour."""

MAIN: Final = "#0072B2"
SECOND: Final = "#D55E00"
"""Colours of two things compared that are not classes; the second is also drawn dashed."""

INK: Final = "#010203"
"""Stands for the page's text colour: in an SVG it follows the reader's colour scheme."""

INK_ON: Final = {"light": "#1b1f24", "dark": "#e4e7eb"}
"""The text colour on a light and on a dark page; the template has the same."""
