"""The first steps of the compiled spec, each run as Kubeflow runs it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.ingest.report import read_ingest_report
from schema import SCHEMA_FILE, curated_schema_text
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
    log = capfd.readouterr().err.splitlines()
    assert any(line.startswith("Traceback") for line in log)
    assert log[-1].startswith("Rejected rows: 1, allowed: 0.")
    assert any("row 300" in line for line in log[-4:-1])


@pytest.mark.slow
def test_the_steps_command_as_a_process_in_a_clean_environment(spec: dict[str, Any], tmp_path: Path) -> None:
    container = spec["deploymentSpec"]["executors"]["CuratedSchema_executor"]["container"]
    schema = {"name": "schema", "uri": str(tmp_path / "schema"), "type": {"instanceSchema": "title: tfx.Schema\n"}}
    sent = {
        "inputs": {"parameterValues": {"digest": "d"}},
        "outputs": {"artifacts": {"schema": {"artifacts": [schema]}}, "outputFile": str(tmp_path / "out.json")},
    }
    command = [sys.executable, *container["command"][1:], *container["args"]]
    filled = [json.dumps(sent) if argument == "{{$}}" else argument for argument in command]
    done = subprocess.run(
        filled, cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "HOME": "/"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert curated_schema_text() == (tmp_path / "schema" / SCHEMA_FILE).read_text(encoding="utf-8")
    [written] = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["artifacts"]["schema"]["artifacts"]
    assert written["uri"] == schema["uri"]
