from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import wfdb

from components.errors import DataRefused, UsageError
from components.recordings.annotate import annotate
from components.recordings.annotations import read_annotations
from components.recordings.lead import open_lead
from tests.recordings.archives import edit_header, simulated, write_record


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    signal, _, _ = simulated(seed=1)
    for name in ("100", "r2"):
        write_record(tmp_path / "archive", name, signal)
    return tmp_path / "archive"


def scored(folder: Path, rows: list[tuple[str | None, int | None, str, bool]], form: str = "parquet") -> Path:
    """A finished scoring directory with these (record, sample, symbol, abstain)."""
    (folder / "parts").mkdir(parents=True)
    columns = {
        "file": ["beats.csv"] * len(rows),
        "row": list(range(len(rows))),
        "record": [row[0] for row in rows],
        "sample": [row[1] for row in rows],
        "predicted": [0] * len(rows),
        "symbol": [row[2] for row in rows],
        "abstain": [row[3] for row in rows],
    }
    stem = folder / "parts" / "00000-beats-00000"
    if form == "parquet":
        types = {"record": pa.string(), "sample": pa.int64()}
        arrays = {name: pa.array(values, types.get(name)) for name, values in columns.items()}
        pq.write_table(pa.table(arrays), f"{stem}.parquet")
    else:
        with Path(f"{stem}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            for values in zip(*columns.values(), strict=True):
                writer.writerow(["" if v is None else str(v).lower() if isinstance(v, bool) else v for v in values])
    (folder / "_SUCCESS").touch()
    return folder


ROWS = [("r2", 900, "V", False), ("100", 77, "N", False), ("r2", 500, "S", True), ("100", 4000, "Q", False)]


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_predictions_come_back_as_annotations(tmp_path: Path, archive: Path, form: str) -> None:
    files = annotate(scored(tmp_path / "scored", ROWS, form), archive, tmp_path / "out", "pred")
    assert files == {tmp_path / "out" / "100.pred": 2, tmp_path / "out" / "r2.pred": 2}
    one = wfdb.rdann(str(tmp_path / "out" / "100"), "pred")
    assert (one.sample.tolist(), one.symbol) == ([77, 4000], ["N", "Q"])
    two = wfdb.rdann(str(tmp_path / "out" / "r2"), "pred")
    assert (two.sample.tolist(), two.symbol) == ([500, 900], ["?", "V"])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["100.pred", "r2.pred"]


def test_many_beats_keep_their_places(tmp_path: Path, archive: Path) -> None:
    samples = np.sort(np.random.default_rng(0).choice(10_000, 3000, replace=False))
    rows = [("r2", int(sample), "NSVFQ"[sample % 5], False) for sample in samples]
    annotate(scored(tmp_path / "scored", rows), archive, archive, "pred")
    read = wfdb.rdann(str(archive / "r2"), "pred")
    assert read.sample.tolist() == samples.tolist()
    assert read.symbol == ["NSVFQ"[sample % 5] for sample in samples]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("r2", None, "N", False)], "1 of 1 row .* do not say which record and sample"),
        ([(None, 5, "N", False)], "do not say which record and sample"),
        ([("r2", 5, "N", False), ("r2", 5, "V", False)], "Record r2: the beat at sample 5 was scored more than once"),
        ([("r2", 10_000_000, "N", False)], "Record r2: a scored beat is at sample 10000000"),
        ([("../r2", 5, "N", False)], "is not a record's name"),
        ([("r9", 5, "N", False)], r"Record r9: its header r9\.hea is missing"),
    ],
)
def test_rows_that_cannot_be_placed_are_refused(
    tmp_path: Path, archive: Path, rows: list[tuple[str | None, int | None, str, bool]], said: str
) -> None:
    with pytest.raises(DataRefused, match=said):
        annotate(scored(tmp_path / "scored", rows), archive, tmp_path / "out", "pred")
    assert not list((tmp_path / "out").glob("**/*"))


def test_an_unfinished_or_strange_folder_is_refused(tmp_path: Path, archive: Path) -> None:
    job = scored(tmp_path / "scored", ROWS)
    (job / "_SUCCESS").unlink()
    with pytest.raises(DataRefused, match="not finished"):
        annotate(job, archive, tmp_path / "out", "pred")
    with pytest.raises(DataRefused, match="is not a scoring directory"):
        annotate(archive, archive, tmp_path / "out", "pred")
    (job / "_SUCCESS").touch()
    (job / "parts" / "00001-x-00000.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataRefused, match=r"00001-x-00000\.csv does not hold scored rows"):
        annotate(job, archive, tmp_path / "out", "pred")


def test_annotations_that_are_there_are_kept(tmp_path: Path, archive: Path) -> None:
    job = scored(tmp_path / "scored", ROWS)
    (archive / "r2.pred").write_bytes(b"mine")
    with pytest.raises(UsageError, match=r"r2\.pred is there already"):
        annotate(job, archive, archive, "pred")
    with pytest.raises(UsageError, match="letters only"):
        annotate(job, archive, archive, "p1")
    assert (archive / "r2.pred").read_bytes() == b"mine"
    assert not (archive / "100.pred").exists()


def test_beats_of_records_with_frames_are_annotated_at_their_samples(tmp_path: Path) -> None:
    signal = np.arange(7200) % 50
    stem = write_record(tmp_path / "archive", "r", signal, fmt="16")
    edit_header(stem, "360 7200", "1 20")
    edit_header(stem, ".dat 16 ", ".dat 16x360 ")
    job = scored(tmp_path / "scored", [("r", 77, "N", False), ("r", 7199, "V", False)])
    annotate(job, tmp_path / "archive", tmp_path / "out", "pred")
    read = wfdb.rdann(str(tmp_path / "out" / "r"), "pred")
    assert (read.sample.tolist(), read.symbol, read.fs) == ([77, 7199], ["N", "V"], 360)
    ours = read_annotations(tmp_path / "out" / "r", "pred", open_lead(stem, "0"))
    assert ours.sample.tolist() == [77, 7199]
