"""The first steps of the compiled spec, each run as Kubeflow runs it."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.ingest.report import read_ingest_report
from tests.pipeline.kubeflow.walk import BUCKET, Walk


@pytest.fixture
def walk(spec: dict[str, Any], beats: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Walk:
    return Walk(spec, tmp_path, monkeypatch, {"data": str(beats)})


def test_beats_come_through_to_their_statistics(walk: Walk) -> None:
    for stage in ("ExampleGen", "IngestGate", "CuratedSchema", "StatisticsGen"):
        assert walk.run(stage) == 0, stage
    report = read_ingest_report(str(walk.stored(f"{BUCKET}/ExampleGen/attempt/report")))
    assert report.rows["train"] + report.rows["eval"] == 300
    assert report.rows["test"] == 100
    statistics = walk.stored(f"{BUCKET}/StatisticsGen/attempt/statistics")
    assert {file.parent.name for file in statistics.rglob("FeatureStats.pb")} == {
        "Split-train",
        "Split-eval",
        "Split-test",
    }


def test_refused_beats_end_the_gate_with_its_sentences_last(
    walk: Walk, beats: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with (beats / "mitbih_train.csv").open("a", encoding="ascii") as train:
        train.write("1.0,2.0\n")
    assert walk.run("ExampleGen") == 0
    rejects = walk.stored(f"{BUCKET}/ExampleGen/attempt/report") / "rejects.jsonl"
    assert json.loads(rejects.read_text(encoding="utf-8"))["row"] == 300
    capfd.readouterr()
    assert walk.run("IngestGate") == 3
    log = capfd.readouterr().err
    assert "Traceback" in log
    last = log.splitlines()[-1]
    assert "row 300" in log.split("Traceback")[1]
    assert not last.startswith((" ", "components."))
