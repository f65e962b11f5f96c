import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from components.report import pages
from pipeline.cli import heartbeat, main

PART = "parts/00001-b-00000.parquet"


def test_the_command_makes_a_runs_page_again(
    a_run: Callable[[], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = a_run()
    monkeypatch.setattr(pages, "RUN_SECTIONS", pages.RUN_SECTIONS[:1])
    assert main(heartbeat, ["report", str(run)]) == 0
    said = capsys.readouterr()
    assert Path(said.out.strip()) == run / "report" / "index.html"
    assert said.err == ""


def test_the_command_makes_a_scoring_jobs_page_too(scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(heartbeat, ["report", str(scored)]) == 0
    page = Path(capsys.readouterr().out.strip())
    assert page == scored / "report" / "index.html"
    assert "scoring job" in page.read_text()


@pytest.mark.parametrize("folder", ["missing", "."])
def test_what_is_no_run_is_usage(folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(heartbeat, ["report", str(tmp_path / folder)]) == 2
    assert "ROOT/runs" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "size", "code", "said"),
    [
        ("summary.json", 9, 3, r"/summary.json is damaged \(.*\): `heartbeat score --resume` writes it again\."),
        ("summary.json", 0, 3, r"/summary.json is damaged"),
        ("job.json", 9, 2, r"/job.json is not .*\. `heartbeat score --overwrite` starts the job over\.$"),
        (PART, 900, 0, rf"^1 of 4 result files is damaged: .*/{PART} has 900 bytes, but [\d,]+ were written\. "),
        ("rejects/00001-b-00000.jsonl", 0, 0, r": .*/rejects/00001-b-00000.jsonl has 0 bytes, but"),
    ],
)
def test_damage_of_a_job_is_told(
    scored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, size: int, code: int, said: str
) -> None:
    job = Path(shutil.copytree(scored, tmp_path / "job", ignore=shutil.ignore_patterns("report")))
    (job / name).write_bytes((job / name).read_bytes()[:size])
    assert main(heartbeat, ["report", str(job)]) == code
    assert re.search(said, capsys.readouterr().err.strip())
    page = job / "report" / "index.html"
    assert page.exists() == (code == 0)
    assert code or "result files is damaged" in page.read_text()


def without_footer(job: Path) -> None:
    (job / PART).write_bytes((job / PART).read_bytes()[:-4] + b"none")


def with_a_row_less(job: Path) -> None:
    pq.write_table(pq.read_table(job / PART)[1:], job / PART)
    record = job / "shards" / f"{(job / PART).stem}.json"
    fields = json.loads(record.read_text())
    fields["parts"]["bytes"] = (job / PART).stat().st_size
    record.write_text(json.dumps(fields))


@pytest.mark.parametrize(
    ("damage", "how"),
    [
        (lambda job: (job / PART).unlink(), "is gone"),
        (without_footer, r"cannot be read as Parquet \(.*magic bytes.*\)"),
        (with_a_row_less, "has 119 rows, but 120 were scored"),
    ],
)
def test_how_a_part_is_damaged_is_told(
    scored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None], how: str
) -> None:
    job = Path(shutil.copytree(scored, tmp_path / "job", ignore=shutil.ignore_patterns("report")))
    damage(job)
    assert main(heartbeat, ["report", str(job)]) == 0
    remedy = r"\. `heartbeat score --resume` scores their shards again\."
    assert re.fullmatch(rf"1 of 4 result files is damaged: {job}/{PART} {how}{remedy}", capsys.readouterr().err.strip())


def test_a_part_whose_rows_cannot_be_read_is_named_in_the_page(scored: Path, tmp_path: Path) -> None:
    job = Path(shutil.copytree(scored, tmp_path / "job", ignore=shutil.ignore_patterns("report")))
    content = (job / PART).read_bytes()
    (job / PART).write_bytes(content[:4] + b"\xff" * 2000 + content[2004:])
    assert main(heartbeat, ["report", str(job)]) == 0
    assert f"This section could not be made. {job}/{PART} cannot be read (" in (job / "report/index.html").read_text()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("rows", {"read": "many"}, "rows: read: Input should be a valid integer"),
        ("rows", {"read": 1}, "rows: abstained is missing"),
        ("rows", None, "rows: Input should be an object"),
        ("classes", {}, "classes: F is missing"),
        ("confusion", [[1, 2], [3]], "inhomogeneous"),
        ("confusion", [[1, 2], [3, 4]], "histogram and confusion: the shapes"),
        ("histogram", {"counts": ["1"] * 32}, "unsupported operand"),
        ("files", [{"file": "a.csv"}], "files: rejected is missing"),
        ("files", ["a.csv"], "files: 0: Input should be an object"),
        ("model", {"digest": "ab"}, "model: place is missing"),
        ("sentences", "none", "sentences: Input should be a valid array"),
        ("seconds", "long", "seconds: Input should be a valid number"),
        ("recordings", {"planned": 1}, "recordings: doubled is missing"),
        ("seconds", "12", "seconds: Input should be a valid number"),
        ("hearts", 3, "hearts: Unexpected"),
    ],
)
def test_a_summary_of_a_job_with_something_else_in_it_is_damaged(
    scored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], field: str, value: object, said: str
) -> None:
    job = Path(shutil.copytree(scored, tmp_path / "job", ignore=shutil.ignore_patterns("report")))
    file = job / "summary.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {field: value}))
    assert main(heartbeat, ["report", str(job)]) == 3
    told = capsys.readouterr().err
    assert told.startswith(f"{file} is damaged (")
    assert said in told
    assert told.endswith("): `heartbeat score --resume` writes it again.\n")


@pytest.mark.parametrize("content", ["{", "{}", "[]"])
@pytest.mark.parametrize("name", ["summary.json", "settings.json"])
def test_damage_of_a_run_is_told(
    a_run: Callable[[], Path], capsys: pytest.CaptureFixture[str], name: str, content: str
) -> None:
    run = a_run()
    (run / name).write_text(content)
    assert main(heartbeat, ["report", str(run)]) == 3
    said = capsys.readouterr().err
    assert f"{run}/{name} is damaged" in said
    assert "Run it again" in said
