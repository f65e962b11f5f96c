from pathlib import Path

import pytest

from pipeline.run import place_of_data
from pipeline.stages import STAGES
from pipeline.summary import StageRecord, Summary


def test_rows_of_a_stage_are_those_of_the_splits_it_reads() -> None:
    rows = {"train": 70, "eval": 7, "test": 20, "rejects": 3}
    stages = [StageRecord("ExampleGen", "cached"), StageRecord("Trainer", "ran"), StageRecord("Judge", "skipped")]
    summary = Summary(run="r", data={"rows": rows}, stages=[*stages, StageRecord("Pusher", "ran")])
    summary.count_rows()
    assert [stage.rows for stage in summary.stages] == [100, 77, None, None]
    assert set(STAGES["Judge"].rows) == {"test"}


def test_data_is_what_is_named_else_the_folder_data_else_the_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "output"
    assert place_of_data(root, "s3://bucket/beats") == "s3://bucket/beats"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mitbih_train_provenance.csv").write_text("")
    assert place_of_data(root, None) == str(root / "demo")
    (tmp_path / "data" / "mitbih_test.csv.gz").write_bytes(b"")
    assert place_of_data(root, None) == "data"
