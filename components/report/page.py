"""A page as HTML: content in, text out; everything that comes from files is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.report.content import Card, Section

if TYPE_CHECKING:
    from markupsafe import Markup

TEMPLATE = "page.html.j2"


@dataclass(frozen=True)
class Page:
    """Everything that is on a page.

    Attributes:
        title: its heading.
        subtitle: a line below.
        marks: a few words each, beside the heading of every section.
        warnings: what any figure must be read with.
        cards: the first screen.
        sections: the rest.
        footer: the last line.
    """

    title: str
    subtitle: str
    marks: Sequence[str]
    warnings: Sequence[str]
    cards: Sequence[Card]
    sections: Sequence[Section]
    footer: str


def html_of(page: Page) -> str:
    """The page as one HTML document that needs no other file."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("components.report", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_with_unit,
    )
    environment.filters["worded"] = _worded
    return environment.get_template(TEMPLATE).render(page=page)


def _worded(text: str) -> Markup:
    """A sentence as HTML: what stands between backticks is to be typed, and is set so."""
    from markupsafe import Markup, escape

    parts = [str(_with_unit(str(escape(part)))) for part in text.split("`")]
    if len(parts) % 2 == 0:  # one of them is not closed, so it is not a mark
        parts[-2:] = ["`".join(parts[-2:])]
    return Markup("".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts)))


def _with_unit(value: object) -> object:
    """Keep a percent sign on the line of its number; pictures and what is HTML already stay as they are."""
    if isinstance(value, str) and not hasattr(value, "__html__") and not value.startswith("data:"):
        return value.replace(" %", "\N{NO-BREAK SPACE}%")
    return value
