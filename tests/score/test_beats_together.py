"""`score --annotator` on beats that are annotated at one sample, or nearer than a heart beats."""

import numpy as np
import pyarrow.parquet as pq
import pytest
import wfdb

from tests.recordings.archives import write_archive
from tests.score.jobs import read_parts, read_rejects, run


@pytest.fixture
def archive(tmp_path):
    return write_archive(tmp_path / "archive", ("p2",))


def lines(output):
    return [line for path in sorted((output / "recordings").iterdir()) for line in pq.read_table(path).to_pylist()]


def test_beats_annotated_twice_at_one_sample_are_scored_once_and_counted(archive, tmp_path):
    once = run(archive / "p2.hea", output=tmp_path / "once", annotator="atr", annotations="pred")
    marks = wfdb.rdann(str(archive / "p2"), "atr")
    sample, symbol = np.repeat(marks.sample, 2), np.repeat(marks.symbol, 2).tolist()
    wfdb.wrann("p2", "atr", sample, symbol=symbol, chan=np.arange(len(sample)) % 2, write_dir=str(archive))
    twice = run(archive / "p2.hea", output=tmp_path / "twice", annotator="atr", annotations="pred")
    assert read_parts(tmp_path / "twice").equals(read_parts(tmp_path / "once"))
    assert read_rejects(tmp_path / "twice") == read_rejects(tmp_path / "once")
    (line,), (other,) = lines(tmp_path / "once"), lines(tmp_path / "twice")
    assert other | {"notes": None} == line
    assert other["notes"] == f"{len(marks.sample)} annotated beats at one sample with another: " + (
        "the first with a class stands for them."
    )
    assert (once.recordings["doubled"], twice.recordings["doubled"]) == (0, len(marks.sample))
    (said,) = set(twice.remarks) - set(once.remarks)
    assert said.startswith(f"{len(marks.sample)} annotated beats at one sample with another are not scored")
    name = "annotations/p2.pred"
    assert (tmp_path / "twice" / name).read_bytes() == (tmp_path / "once" / name).read_bytes()


def test_annotated_beats_nearer_than_a_heart_beats_are_warned_of(archive, tmp_path):
    marks = wfdb.rdann(str(archive / "p2"), "atr")
    sample = (marks.sample[:, None] + [0, 1, 2]).reshape(-1)
    wfdb.wrann("p2", "atr", sample, symbol=np.repeat(marks.symbol, 3).tolist(), write_dir=str(archive))
    summary = run(archive / "p2.hea", output=tmp_path / "out", annotator="atr")
    near = 2 * len(marks.sample)
    assert summary.recordings["near"] == near
    assert any(said.startswith(f"{near} beats lie within 0.1 s of the one before") for said in summary.remarks)
    assert lines(tmp_path / "out")[0]["notes"] == f"{near} beats within 0.1 s of the one before."
