import platform
from importlib.metadata import version
from pathlib import Path

import pytest

from pipeline.runfolder import data_location
from pipeline.stages import STAGES
from pipeline.summary import PACKAGES, StageRecord, Summary, versions_here


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
    assert data_location(root, "s3://bucket/beats") == "s3://bucket/beats"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mitbih_train_provenance.csv").write_text("")
    assert data_location(root, None) == str(root / "demo")
    for name in ("mitbih_test.csv.gz", "train.parquet"):
        (tmp_path / "data" / name).touch()
        assert data_location(root, None) == "data"
        (tmp_path / "data" / name).unlink()


def test_a_run_knows_its_python_its_machine_and_its_packages() -> None:
    versions = versions_here()
    assert versions["Python"] == platform.python_version()
    assert versions["platform"] == platform.platform()
    assert int(versions["CPU cores"]) >= 1
    assert versions["tensorflow"] == version("tensorflow")
    assert set(PACKAGES) < set(versions)
    assert "not installed" not in versions.values()
