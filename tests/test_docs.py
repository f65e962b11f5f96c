"""Links between the documents lead to files that exist."""

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
PAGES = [*TOP.glob("*.md"), *(TOP / "docs").rglob("*.md")]
LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_links_are_found() -> None:
    assert LINK.findall("[a](b.md) [c](https://d.e/f) [g](../h.md#i) ![j](k.svg) [l](#m)") == [
        "b.md",
        "../h.md",
        "k.svg",
    ]
    assert sum(len(LINK.findall(page.read_text(encoding="utf-8"))) for page in PAGES) > 20
