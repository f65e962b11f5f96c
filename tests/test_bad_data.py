"""Bad data through the command itself: exit 3, the file named, words instead of a stack trace."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.beat import CLASSES, SAMPLES
from pipeline.cli import main
from pipeline.commands.run import run

ROWS = 60
Fault = Callable[[list[bytes]], bytes]


def good_lines(rows: int, seed: int) -> list[bytes]:
    random = np.random.default_rng(seed)
    signal = random.random((rows, SAMPLES)).astype(np.float32)
    labels = np.arange(rows) % len(CLASSES)
    return [
        ",".join([f"{value:.18e}" for value in row] + [f"{label:.18e}"]).encode()
        for row, label in zip(signal, labels, strict=True)
    ]


def joined(lines: list[bytes]) -> bytes:
    return b"\n".join(lines) + b"\n"


def with_field(line: bytes, column: int, text: bytes) -> bytes:
    fields = line.split(b",")
    fields[column] = text
    return b",".join(fields)


def replaced(lines: list[bytes], row: int, line: bytes) -> bytes:
    return joined([*lines[:row], line, *lines[row + 1 :]])


FAULTS: dict[str, tuple[Fault, list[str]]] = {
    "header": (lambda rows: joined([b",".join(b"c%d" % i for i in range(188)), *rows]), ["header"]),
    "empty": (lambda rows: b"", ["empty"]),
    "187 columns": (lambda rows: joined([row.rpartition(b",")[0] for row in rows]), ["187", "188"]),
    "one short row": (lambda rows: replaced(rows, 7, rows[7][:200].rpartition(b",")[0]), ["row 7"]),
    "not a number": (lambda rows: replaced(rows, 5, with_field(rows[5], 12, b"abc")), ["row 5", "abc"]),
    "NaN": (lambda rows: replaced(rows, 5, with_field(rows[5], 3, b"nan")), ["row 5", "nan"]),
    "out of range": (lambda rows: replaced(rows, 9, with_field(rows[9], 5, b"1.25")), ["row 9", "1.25"]),
    "bad label": (lambda rows: replaced(rows, 9, with_field(rows[9], 187, b"7.0")), ["row 9", "7"]),
    "binary": (lambda rows: bytes(np.random.default_rng(3).integers(0, 256, 50_000, np.uint8)), ["UTF-8"]),
    "UTF-16": (lambda rows: joined(rows).decode().encode("utf-16"), ["UTF-8"]),
    "cut mid-row": (lambda rows: joined(rows)[:-2000], ["row 59"]),
    "over-long line": (lambda rows: replaced(rows, 4, b"0," * 200_000), ["row 4"]),
}


def sentences(summary: dict[str, Any]) -> str:
    return " ".join(each["sentence"] for each in summary["verdict"])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("root")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "mitbih_train.csv").write_bytes(joined(good_lines(ROWS, 1)))
    (tmp_path / "mitbih_test.csv").write_bytes(joined(good_lines(ROWS, 2)))
    return tmp_path


@pytest.mark.parametrize(
    ("fault", "name"),
    [(fault, ("mitbih_train.csv", "mitbih_test.csv")[position % 2]) for position, fault in enumerate(FAULTS)],
)
def test_a_bad_file_is_refused_in_words(
    fault: str, name: str, data: Path, root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    spoil, words = FAULTS[fault]
    (data / name).write_bytes(spoil(good_lines(ROWS, 1)))
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
    assert [stage["name"] for stage in summary["stages"] if stage["state"] == "failed"] == ["IngestGate"]


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
    rows = good_lines(ROWS, 1)
    (data / "mitbih_train.csv").write_bytes(replaced(rows, 5, with_field(rows[5], 12, b"abc")))
    stages = json.dumps(["ExampleGen", "IngestGate"])
    words = ["--data", str(data), "--root", str(root), "--set", f"stages={stages}", "--set", "data.reject_budget=1"]
    assert main(run, words) == 0, capfd.readouterr()
    summary = json.loads((root / "summary.json").read_text())
    assert summary["data"]["rows"]["rejects"] == 1
    assert summary["data"]["rows"]["train"] + summary["data"]["rows"]["eval"] == ROWS - 1
    assert "row 5" in sentences(summary)
