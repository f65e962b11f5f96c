"""A page as HTML: content in, text out; everything that comes from files is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from components.report.content import Card, Section

TEMPLATE = "page.html.j2"


@dataclass(frozen=True)
class Page:
    """Everything that is on a page.

    Attributes:
        title: its heading.
        subtitle: a line below.
        synthetic: whether every section is marked so.
        warnings: what any figure must be read with.
        cards: the first screen.
        sections: the rest.
        footer: the last line.
    """

    title: str
    subtitle: str
    synthetic: bool
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
    return environment.get_template(TEMPLATE).render(page=page)


def _with_unit(value: object) -> object:
    """Keep a percent sign on the line of its number; pictures and what is HTML already stay as they are."""
    if isinstance(value, str) and not hasattr(value, "__html__") and not value.startswith("data:"):
        return value.replace(" %", "\N{NO-BREAK SPACE}%")
    return value
