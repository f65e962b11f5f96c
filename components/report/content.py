"""Elements of a page: text, tables, pictures, folded blocks. page.html.j2 renders each by its class name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Tone = Literal["plain", "good", "bad", "warn"]
"""The tone of a text; the template shows it by more than colour."""


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: Sequence[str]
    tone: Tone = "plain"


@dataclass(frozen=True)
class Link:
    """A link to another page, by its path from this one."""

    text: str
    href: str


Cell = str | Link


@dataclass(frozen=True)
class Table:
    """A table; each row has a cell for each title in `head`, and its first cell is the row's heading."""

    caption: str
    head: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    left: Sequence[int] = (0,)  # columns of words, aligned left
    wide: bool = False  # scrolls sideways rather than breaking its cells
    ordered_by: tuple[int, Literal["ascending", "descending", "other"]] | None = None  # a column, and how it is sorted


@dataclass(frozen=True)
class Picture:
    """An SVG that follows the page's colour scheme."""

    source: str  # data URI
    alt: str  # description, with the figures that matter
    caption: str
    size: tuple[int, int]  # width and height in CSS pixels


@dataclass(frozen=True)
class Pictures:
    """Pictures side by side if the page is wide enough."""

    pictures: Sequence[Picture]


@dataclass(frozen=True)
class Code:
    """Text to copy, or the raw text of a file; shown as it is."""

    label: str
    text: str


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    text: str


@dataclass(frozen=True)
class Folded:
    """Blocks that open on a click or a key; they are printed open."""

    title: str
    blocks: Sequence[Block]


Block = Words | Bullets | Table | Pictures | Code | Heading | Folded


@dataclass(frozen=True)
class Section:
    """A part of the page; `name` is its anchor."""

    name: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Card:
    """One answer on the first screen."""

    question: str
    answer: str
    lines: Sequence[str]
    tone: Tone = "plain"
    links: Sequence[tuple[str, str]] = ()  # (anchor, text) of sections that say more


@dataclass(frozen=True)
class Page:
    """Everything on a page."""

    title: str
    subtitle: str
    marks: Sequence[str]  # a few words each, next to the heading of every section
    warnings: Sequence[str]  # warnings to read before any figure
    cards: Sequence[Card]
    sections: Sequence[Section]
    up: Link | None = None  # to the page that this one belongs to
