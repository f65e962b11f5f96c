"""`prepare` on MIT-BIH itself: Kaggle's file, and the usual split by patient."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from components.beats.kaggle import TEST_SHA256, TRAIN_COUNTS, is_kaggle_test
from components.ingest.locate import find_inputs
from tests.recordings.archives import KAGGLE_TEST_COUNTS
from tests.recordings.preparing import provenance, run

pytestmark = pytest.mark.real


@pytest.mark.slow
def test_kaggles_test_file_comes_out_byte_for_byte(tmp_path: Path) -> None:
    mitdb = Path(os.environ["HEARTBEAT_MITDB"])
    report = run(mitdb, tmp_path, workers=2)
    train, test = report.files
    assert test.sha256 == TEST_SHA256
    assert hashlib.sha256((tmp_path / "mitbih_test.csv").read_bytes()).hexdigest() == TEST_SHA256
    assert (train.classes, test.classes) == (TRAIN_COUNTS, KAGGLE_TEST_COUNTS)
    assert any("byte for byte Kaggle's" in sentence for sentence in report.sentences)
    lines = provenance(tmp_path / "mitbih_test_provenance.csv")
    assert (lines[0]["record"], lines[0]["sample"], lines[0]["symbol"], lines[0]["label"]) == (
        "103",
        "322111",
        "N",
        "0",
    )


@pytest.mark.slow
def test_kaggles_test_beats_come_out_as_parquet(tmp_path: Path) -> None:
    report = run(Path(os.environ["HEARTBEAT_MITDB"]), tmp_path, format="parquet", workers=2)
    assert [file.classes for file in report.files] == [TRAIN_COUNTS, KAGGLE_TEST_COUNTS]
    assert "test.parquet holds the rows of Kaggle's mitbih_test.csv, every value and in its order." in report.sentences
    assert find_inputs(str(tmp_path)).test[0].kind == "parquet"
    assert is_kaggle_test(find_inputs(str(tmp_path)).test[0])


@pytest.mark.slow
def test_de_chazals_split_of_mitbih(tmp_path: Path) -> None:
    report = run(Path(os.environ["HEARTBEAT_MITDB"]), tmp_path, split="patient", workers=2)
    assert report.files[0].classes == (45845, 943, 3788, 415, 8)
    assert report.files[1].classes == (44238, 1836, 3221, 388, 7)
    assert any(
        "201 and 202 are one person" in sentence or "202 are one person" in sentence for sentence in report.sentences
    )


def test_without_the_older_annotations_the_report_says_what_differs(tmp_path: Path) -> None:
    mitdb = Path(os.environ["HEARTBEAT_MITDB"])
    (tmp_path / "copy").mkdir()
    for name in ("102", "103"):
        for extension in ("hea", "dat", "atr"):
            (tmp_path / "copy" / f"{name}.{extension}").symlink_to(mitdb / f"{name}.{extension}")
    report = run(tmp_path / "copy", tmp_path / "out", skip_bad=True)
    said = " ".join(report.sentences)
    assert "102-0.atr is not in" in said
    assert "mitbih_test.csv is not Kaggle's" in said
    assert "Rows with other values: record 102." in said
    assert len(report.skipped) == 46
