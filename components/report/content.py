"""What a page can hold: words, tables, pictures, folded blocks. page.html.j2 renders each by the name of its class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Tone = Literal["plain", "good", "bad", "warn"]
"""How a text is meant; the template shows it by more than colour."""


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
class Table:
    """A table with a caption.

    Attributes:
        caption: what it shows.
        head: a title for each column.
        rows: texts, as many in each row as there are titles; the first of a row is its heading.
        left: columns of words, set to the left; the first column is one of them.
        wide: whether it should scroll sideways rather than break its cells.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: Sequence[int] = (0,)
    wide: bool = False


@dataclass(frozen=True)
class Picture:
    """A picture.

    Attributes:
        source: data URI of an SVG that follows the page's colour scheme.
        alt: what can be seen, in words, with the figures that matter.
        caption: below the picture.
        size: width and height in CSS pixels.
    """

    source: str
    alt: str
    caption: str
    size: tuple[int, int]


@dataclass(frozen=True)
class Pictures:
    """Pictures side by side where the page is wide enough."""

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


Block = Words | Bullets | Table | Picture | Pictures | Code | Heading | Folded


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        name: its anchor.
        title: its heading.
        blocks: what it holds.
    """

    name: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Card:
    """One answer on the first screen.

    Attributes:
        question: what a reader asks.
        answer: in a few large words.
        lines: what belongs to it.
        links: (anchor, text) to where more is said.
    """

    question: str
    answer: str
    lines: Sequence[str]
    tone: Tone = "plain"
    links: Sequence[tuple[str, str]] = field(default=())


@dataclass(frozen=True)
class Page:
    """Everything that is on a page.

    Attributes:
        title: its heading.
        subtitle: a line below.
        marks: a few words each, beside the heading of every section.
        warnings: what must be known before any figure is read.
        cards: the first screen.
        sections: the rest.
    """

    title: str
    subtitle: str
    marks: Sequence[str]
    warnings: Sequence[str]
    cards: Sequence[Card]
    sections: Sequence[Section]
