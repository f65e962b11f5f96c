"""A run whose data is refused, walked in one process: its rejects survive, and its report is published."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.errors import EnvironmentRefused
from pipeline.kubeflow import entrypoint, notes, places
from pipeline.kubeflow.spec import Target, compile_text
from pipeline.profiles import ALL_STAGES, profile_named
from pipeline.settings import settings_from
from tests.pipeline.kubeflow.pod import mounts_of
from tests.pipeline.kubeflow.walk import BUCKET, SECRET, Cluster, Run
from tests.s3_server import S3Server, s3_server

pytestmark = pytest.mark.slow


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    with s3_server() as running:
        for name, value in running.environ.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def cluster(server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    def launch(pod: Path, command: list[str], environ: dict[str, str], log: Path) -> int:
        assert environ.items() <= os.environ.items()
        monkeypatch.setattr(places, "MOUNTS", mounts_of(pod))
        with log.open("w") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
            return entrypoint.main(command[3:])

    return Cluster(server, tmp_path / "pods", launch)


def run(cluster: Cluster, server: S3Server, beats: Path) -> Run:
    settings = settings_from(
        profile_named("demo"), [f"cluster.store={server.endpoint}", f"cluster.secret={SECRET}", "cluster.retries=0"]
    )
    return cluster.run(
        compile_text(settings, Target("heartbeat:1", str(beats), f"minio://{BUCKET}/v2", f"s3://{BUCKET}/serving"))
    )


def published(cluster: Cluster, run_id: str, name: str) -> bytes:
    return cluster.get(f"s3://{BUCKET}/v2/artifacts/runs/{run_id}/{name}")


def test_rejects_survive_and_the_gates_words_are_the_reports(cluster: Cluster, server: S3Server, beats: Path) -> None:
    with (beats / "mitbih_train.csv").open("a", encoding="ascii") as train:
        train.write("1.0,2.0\n")
    ended = run(cluster, server, beats)
    assert ended.states == {
        "ExampleGen": "SUCCEEDED",
        "IngestGate": "FAILED",
        "stages": "FAILED",
        "Report": "FAILED",
    } | (dict.fromkeys(ALL_STAGES[2:], "OMITTED"))
    assert (ended.codes["IngestGate"], ended.codes["Report"]) == (3, 3), ended.logs["Report"]
    uri = ended.artifacts["ExampleGen", "report"]["uri"].replace("minio://", "s3://")
    assert json.loads(cluster.get(f"{uri}/rejects.jsonl"))["row"] == 300
    log = ended.logs["IngestGate"].splitlines()
    assert any(line.startswith("Traceback") for line in log)
    assert log[-1].startswith("Rejected rows: 1, allowed: 0.")
    summary = json.loads(published(cluster, ended.run_id, "summary.json"))
    assert (summary["run"], summary["status"], summary["exit_code"]) == (ended.run_id, "data_refused", 3)
    assert summary["data"]["rows"] == {"train": 270, "eval": 30, "test": 100, "rejects": 1} or (
        summary["data"]["rows"]["train"] + summary["data"]["rows"]["eval"] == 300
    )
    assert summary["verdict"][-1]["sentence"] == log[-1]
    page = published(cluster, ended.run_id, "report/index.html").decode()
    assert "No: data refused" in page
    assert f"{uri}/rejects.jsonl" in page
    assert published(cluster, ended.run_id, "log.txt").decode().splitlines()[-1] == log[-1]


def test_steps_go_on_where_notes_cannot_be_written(
    cluster: Cluster, server: S3Server, beats: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(path: str, content: str) -> None:
        raise EnvironmentRefused(f"Cannot write {path}.")

    monkeypatch.setattr(notes, "write_whole", refuse)
    (beats / "mitbih_test.csv").write_text("", encoding="ascii")
    ended = run(cluster, server, beats)
    assert ended.states["ExampleGen"] == "SUCCEEDED"
    summary = json.loads(published(cluster, ended.run_id, "summary.json"))
    assert (summary["status"], summary["exit_code"]) == ("failed", 1)
    assert [each["sentence"] for each in summary["verdict"]] == [
        "ExampleGen was not started: Kubeflow's page of the run says why (its image, its node, its inputs)."
    ]
