"""Bad data through the command: exit 3, the file and the row named, words instead of a stack trace.

tests/ingest/test_bad_files.py has every kind of fault, against the functions.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import main
from pipeline.commands.run import run
from tests.io.rows import line, lines

ROWS = 60


def without_labels(text: bytes) -> bytes:
    return b"".join(row.rpartition(b",")[0] + b"\n" for row in text.splitlines())


def with_line(text: bytes, row: int, other: bytes) -> bytes:
    rows = text.splitlines(keepends=True)
    return b"".join([*rows[:row], other + b"\n", *rows[row + 1 :]])


def sentences(summary: dict[str, Any]) -> str:
    return " ".join(each["sentence"] for each in summary["verdict"])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("root")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for seed, name in enumerate(("mitbih_train.csv", "mitbih_test.csv")):
        (tmp_path / name).write_bytes(lines(ROWS, seed)[0])
    return tmp_path


@pytest.mark.parametrize(
    ("name", "spoil", "words", "failed"),
    [
        ("mitbih_train.csv", without_labels, ["187 columns in its rows, expected 188"], []),
        (
            "mitbih_test.csv",
            lambda text: with_line(text, 9, line(1, s5="1.25").encode()),
            ["row 9", "sample 5 is 1.25"],
            ["IngestGate"],
        ),
    ],
    ids=["a whole file", "one row"],
)
def test_a_bad_file_is_refused_in_words(
    name: str,
    spoil: Any,
    words: list[str],
    failed: list[str],
    data: Path,
    root: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (data / name).write_bytes(spoil((data / name).read_bytes()))
    assert main(run, ["--data", str(data), "--root", str(root)]) == 3
    out, err = capfd.readouterr()
    assert "Traceback" not in out + err
    told = sentences(json.loads((root / "summary.json").read_text()))
    shown = " ".join(out.split())
    for word in [name, *words]:
        assert word in told, word
        assert word in shown, word
    summary = json.loads((root / "summary.json").read_text())
    assert (summary["status"], summary["exit_code"]) == ("data_refused", 3)
    assert [stage["name"] for stage in summary["stages"] if stage["state"] == "failed"] == failed


def test_a_missing_file_is_refused_before_anything_runs(
    data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (data / "mitbih_test.csv").unlink()
    assert main(run, ["--data", str(data), "--root", str(tmp_path / "root")]) == 3
    out, err = capfd.readouterr()
    assert "has no mitbih_test.csv" in out
    assert "Traceback" not in out + err
    assert not (tmp_path / "root" / "tfx").exists()
    summary = json.loads((tmp_path / "root" / "summary.json").read_text())
    assert (summary["status"], summary["exit_code"]) == ("data_refused", 3)
    assert {stage["state"] for stage in summary["stages"]} == {"skipped"}


def test_a_budget_lets_a_few_bad_rows_pass_and_says_which(
    data: Path, root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    train = data / "mitbih_train.csv"
    train.write_bytes(with_line(train.read_bytes(), 5, line(1, s12="abc").encode()))
    stages = json.dumps(["ExampleGen", "IngestGate"])
    words = ["--data", str(data), "--root", str(root), "--set", f"stages={stages}", "--set", "data.reject_budget=1"]
    assert main(run, words) == 0, capfd.readouterr()
    summary = json.loads((root / "summary.json").read_text())
    assert summary["data"]["rows"]["rejects"] == 1
    assert summary["data"]["rows"]["train"] + summary["data"]["rows"]["eval"] == ROWS - 1
    assert "row 5" in sentences(summary)
