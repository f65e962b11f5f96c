"""The pages as a reader meets them: headless Chromium at two widths, in light and in dark."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.report.pages import (
    RECORDING_SECTIONS,
    RECORDINGS_SECTIONS,
    RUN_SECTIONS,
    SCORING_SECTIONS,
    write_recording_reports,
    write_scoring_report,
)
from tests.report.browser import CHROMIUM, Browser, browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (apt.txt lists it)"),
]

KEPT = Path(__file__).parents[2] / "build" / "report"
"""Where photographs are kept for people to look at."""

TOO_WIDE = """
[...document.querySelectorAll('main *, header *')].filter(one => {
  const box = one.getBoundingClientRect();
  return box.right > innerWidth + 1 && !one.closest('.scroll');
}).map(one => one.tagName + ' ' + one.textContent.slice(0, 60))
"""

CUT = """
[...document.querySelectorAll('main *')].filter(one =>
  one.clientWidth && one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX === 'hidden'
).map(one => one.tagName + ' ' + one.textContent.slice(0, 60))
"""

UNDRAWN = "[...document.images].filter(one => !one.complete || !one.naturalWidth).map(one => one.alt)"

SECTIONS_SEEN = """
Object.fromEntries(
  [...document.querySelectorAll('main section')].map(one => [one.id, one.getBoundingClientRect().height])
)
"""

FOLDED = "[...document.querySelectorAll('details')].map(one => one.getBoundingClientRect().height)"

PAPER = 718
"""CSS pixels between the margins of an A4 page."""

UNREACHED = """
[...document.querySelectorAll('a[href], summary, .scroll')].filter(one => one.tabIndex < 0).map(one => one.outerHTML)
"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(report: Path, scored: Path, scored_recordings: Path) -> dict[str, tuple[Path, set[str]]]:
    """Page and the sections that it must have."""
    scoring = Path(write_scoring_report(str(scored)))
    recording = Path(*write_recording_reports(str(scored_recordings), ["p1"]))
    recordings = recording.parents[1] / "index.html"
    return {
        "run": (report, {name for name, _, _ in RUN_SECTIONS}),
        "scoring": (scoring, {name for name, _, _ in SCORING_SECTIONS}),
        "recordings": (recordings, {name for name, _, _ in RECORDINGS_SECTIONS}),
        "recording": (recording, {name for name, _, _ in RECORDING_SECTIONS}),
        "order": (recordings.with_name("recordings-by-v-run.html"), {"recordings"}),
    }


PAGES = ["run", "scoring", "recordings", "recording", "order"]

COLOURS = "['color', 'backgroundColor'].map(name => getComputedStyle(document.body)[name])"


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("of", PAGES)
def test_a_page_is_whole_quiet_and_keeps_to_itself(
    tab: Browser, pages: dict[str, tuple[Path, set[str]]], of: str, width: int
) -> None:
    page, sections = pages[of]
    tab.open(page, width)
    for scheme in ("light", "dark"):
        tab.prefer(scheme)
        tab.photograph(KEPT / f"{of}-{width}-{scheme}.png")
        assert tab.value("document.documentElement.scrollWidth") == width
        for script in (TOO_WIDE, CUT, UNDRAWN, UNREACHED):
            assert tab.value(script) == [], (scheme, script)
        heights = tab.value(SECTIONS_SEEN)
        assert {name for name, height in heights.items() if height > 100} == sections
        ink, paper = (sum(map(int, text[4:-1].split(","))) for text in tab.value(COLOURS))
        assert (ink < paper) == (scheme == "light")
        assert abs(ink - paper) > 500, "text stands out from the page"
    assert tab.faults == []
    assert [url for url in tab.requests if not url.startswith("data:")] == [page.as_uri()]


@pytest.mark.parametrize("of", PAGES)
def test_on_paper_nothing_is_cut_off_or_folded_away(
    tab: Browser, pages: dict[str, tuple[Path, set[str]]], of: str
) -> None:
    tab.open(pages[of][0], PAPER)
    tab.prefer("dark")
    tab.call("Emulation.setEmulatedMedia", media="print")
    tab.photograph(KEPT / f"{of}-print.png")
    assert tab.value("document.documentElement.scrollWidth") <= PAPER
    assert min(tab.value(FOLDED), default=PAPER) > 100
    assert tab.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_a_page_that_asked_for_anything_would_be_found_out(tab: Browser, tmp_path: Path) -> None:
    """The page's own policy forbids it, and the test would see it."""
    guilty = tmp_path / "guilty.html"
    guilty.write_text("<title>x</title><img src='other.png' alt=''><script>console.error('no')</script>")
    tab.open(guilty, 390)
    assert any(url.endswith("other.png") for url in tab.requests)
    assert any(json.loads(fault).get("type") == "error" for fault in tab.faults)
