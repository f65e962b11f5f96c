"""What a page says, read as a browser's parser would."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "link", "img", "source", "br"}


@dataclass
class Read(HTMLParser):
    """A page taken apart.

    Attributes:
        text: section's anchor ("" before the first) -> its text.
        headings: (level, text) in order.
        images: attributes of each picture.
        tags: names of all elements.
        links: where links lead.
        anchors: ids.
    """

    text: dict[str, str] = field(default_factory=lambda: {"": ""})
    headings: list[tuple[int, str]] = field(default_factory=list)
    images: list[dict[str, str]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    anchors: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    section: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in known:
            self.anchors.append(known["id"])
        if tag == "section":
            self.section = known["id"]
            self.text[self.section] = ""
        elif tag == "img":
            self.images.append(known)
        elif tag == "a":
            self.links.append(known["href"])
        elif tag[0] == "h" and tag[1:].isdigit():
            self.headings.append((int(tag[1:]), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes nothing"
        if tag == "section":
            self.section = ""

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text[self.section] += data
        if self.headings and self.open and self.open[-1] in {"h1", "h2", "h3"}:
            level, text = self.headings[-1]
            self.headings[-1] = (level, text + data)


def read(page: Path) -> Read:
    """Take a page apart."""
    taken = Read()
    taken.feed(page.read_text(encoding="utf-8"))
    taken.close()
    assert not taken.open, f"never closed: {taken.open}"
    taken.text = {name: " ".join(text.split()) for name, text in taken.text.items()}
    return taken
