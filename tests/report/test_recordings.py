"""The table of a job's recordings: its order, its other orders, and that it stays small."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from components.errors import HeartbeatError
from components.report.pages import RECORDINGS_SECTIONS, write_scoring_report
from components.report.recordings import ATTENTION, COLUMNS, SHOWN, needs_attention
from components.report.wording import number
from components.score.recording_lines import RecordingLine, lines_content, read_lines
from tests.recordings.archives import write_archive
from tests.report.reading import read
from tests.score.jobs import run

NAMES = ("p1", "p2", "p3")


@pytest.fixture(scope="module")
def pages(scored_recordings: Path) -> Path:
    """The folder of its pages."""
    return Path(write_scoring_report(str(scored_recordings))).parent


def first_cells(page: Path) -> list[str]:
    """The first cell of each row of the table of recordings."""
    table = page.read_text().split('<section id="recordings"')[1].split("<tbody>")[1].split("</tbody>")[0]
    return re.findall(r'<th scope="row"[^>]*>(?:<a [^>]*>)?([^<]*)<', table)


def line(record: str, **fields: object) -> RecordingLine:
    return replace(RecordingLine(f"/data/{record}.hea", record, "MLII", 360.0, 60.0, 60.0, 70, 70), **fields)  # type: ignore[arg-type]


def test_what_needs_attention_comes_first() -> None:
    rising = [
        line("quiet"),
        line("noisy", noise=0.5),
        line("unsure", abstained=3, noise=0.1),
        line("some S", s_per_hour=8.0, abstained=9),
        line("some V", v_per_hour=2.0),
        line("short, with V", n_V=3),
        line("a run of S", s_longest_run=5),
        line("a run of S and some V", s_longest_run=5, v_per_hour=2.0),
        line("couplets of V", v_couplets=2, v_per_hour=1.0),
        line("a run of V", v_longest_run=3, v_runs=1),
        line("a long run of V", v_longest_run=8, v_runs=1),
        line("unlike", unlike="the model abstains from 30% of the beats"),
        line("empty", beats=0, scored=0, noise=1.0),
        line("refused", refused="it is truncated.", beats=0, scored=0),
    ]
    assert [each.record for each in sorted(rising, key=needs_attention)] == [each.record for each in rising[::-1]]
    assert [ATTENTION.cell(each) for each in rising[-3:]] == ["unlike", "no beat found", "refused"]


def test_every_column_has_a_page_in_its_order_with_the_marks_of_the_job(pages: Path) -> None:
    index = read(pages / "index.html")
    for column in COLUMNS:
        if column is ATTENTION:
            continue
        page = read(pages / column.page)
        assert column.page in index.links
        assert "index.html#recordings" in page.links
        assert "SYNTHETIC" in page.text["recordings"]
        assert "SYNTHETIC" in page.text[""]
        assert "script" not in page.tags
        assert column.page not in page.links, "the order that it has leads nowhere"
        assert sorted(first_cells(pages / column.page)) == sorted(NAMES)
    assert first_cells(pages / "index.html")[0] == "p3"
    assert first_cells(pages / "recordings-by-name.html") == list(NAMES)
    assert first_cells(pages / "recordings-by-beats.html")[-1] == "p3", "what is not known comes last"


def test_the_lines_are_those_of_the_job(scored_recordings: Path, pages: Path) -> None:
    (told,) = (read_lines(path.read_bytes(), path.name) for path in (scored_recordings / "recordings").iterdir())
    text = read(pages / "recordings-by-name.html").text["recordings"]
    for each in told[:2]:
        assert f"{each.v_longest_run}{each.v_runs}{each.v_couplets}{number(each.v_per_hour, 1)}" in text
        assert f"{each.rate_least:.0f}{each.rate_mean:.0f}{each.rate_greatest:.0f}{each.longest_rr:.2f}" in text
    assert told[2].refused
    assert told[2].refused in text


def test_the_page_of_the_job_is_about_recordings(pages: Path) -> None:
    page = read(pages / "index.html")
    for name, title, _ in RECORDINGS_SECTIONS:
        assert page.text[name].startswith(title), name
        assert "could not be made" not in page.text[name], page.text[name]
    assert "3 recordings" in page.text[""]
    assert "1 of 3 recordings could not be used" in page.text[""]
    assert "recordings321yes" in page.text["outcome"]
    assert "NO" not in page.text["outcome"]
    rows = json.loads((pages.parent / "summary.json").read_text())["rows"]
    assert f"{rows['scored']} scored, {rows['rejected'] - 1} rejected. 1 recording refused." in page.text[""]
    as_the_command = f"{rows['read']}{rows['scored']}{rows['rejected']}yes"
    assert f"one for each refused recording{as_the_command}" in page.text["outcome"]
    assert "(no text)" not in page.text["rejects"]
    assert "p3.hea, row 0" in page.text["rejects"]
    assert "--record p" in page.text["recordings"]
    assert "--record p3" not in page.text["recordings"], "it comes first, and was refused"
    assert "labelled" not in page.text["origin"]
    assert "None" not in page.text["origin"]


def test_ten_thousand_recordings_make_small_pages(scored_recordings: Path, tmp_path: Path) -> None:
    many = Path(tmp_path, "many")
    many.mkdir()
    for name in ("job.json", "summary.json", "shards", "parts", "rejects"):
        (many / name).symlink_to(scored_recordings / name)
    (file,) = (scored_recordings / "recordings").iterdir()
    (many / "recordings").mkdir()
    path = read_lines(file.read_bytes(), file.name)[0].file
    lines = [line(f"r{index:04d}", file=path, v_per_hour=float(index * 7919 % 10_000)) for index in range(10_000)]
    (many / "recordings" / file.name).write_bytes(lines_content(lines))
    page = Path(write_scoring_report(str(many)))
    assert f"The first {SHOWN} of 10,000 recordings, by what needs attention" in read(page).text["recordings"]
    assert f"{many}/recordings" in read(page).text["recordings"], "where all lines are"
    by_v = sorted(lines, key=lambda each: -(each.v_per_hour or 0))[:SHOWN]
    for order in (page, page.with_name("recordings-by-v-hour.html")):
        assert first_cells(order) == [each.record for each in by_v]
    assert first_cells(page.with_name("recordings-by-name.html")) == [f"r{index:04d}" for index in range(SHOWN)]
    assert page.with_name("recordings-by-name.html").stat().st_size < 200_000


def test_one_recording_has_its_line_and_no_orders(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive", ("p1",))
    run(archive, output=tmp_path / "out", block_rows=1000)
    page = Path(write_scoring_report(str(tmp_path / "out")))
    assert [each.name for each in page.parent.iterdir()] == ["index.html"]
    assert first_cells(page) == ["p1"]
    assert "sorted by it" not in read(page).text["recordings"]


def test_lines_that_went_away_are_told(scored_recordings: Path, tmp_path: Path) -> None:
    for name in ("job.json", "summary.json", "shards", "parts", "rejects"):
        (tmp_path / name).symlink_to(scored_recordings / name)
    with pytest.raises(HeartbeatError, match=r"is gone\. Score"):
        write_scoring_report(str(tmp_path))
    assert "is gone. Score" in read(tmp_path / "report" / "index.html").text["recordings"]
