"""A run whose data is refused, one step of it as a process: its rejects survive, and its report is published."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.errors import EnvironmentRefused
from pipeline.kubeflow import notes
from pipeline.kubeflow.spec import Target, compile_text
from pipeline.profiles import ALL_STAGES
from pipeline.settings import settings_from
from pipeline.summary import versions_here
from tests.pipeline.kubeflow.walk import BUCKET, SECRET, Cluster, Launch, Run, as_processes, in_this_process
from tests.s3_server import S3Server, s3_server

ROOT = f"minio://{BUCKET}/ecg"


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as running:
        yield running


def run(server: S3Server, beats: Path, launch: Launch) -> tuple[Cluster, Run]:
    """Walk the demo profile on these beats, in a cluster of its own."""
    cluster = Cluster(server, beats.parent / "pods", launch)
    words = (f"cluster.store={server.endpoint}", f"cluster.secret={SECRET}", "cluster.retries=0")
    target = Target("heartbeat:1", str(beats), ROOT, f"s3://{BUCKET}/serving")
    return cluster, cluster.run(compile_text(settings_from("demo", words), target), ROOT)


def published(cluster: Cluster, run_id: str, name: str) -> bytes:
    return cluster.get(f"s3://{BUCKET}/ecg/runs/{run_id}/{name}")


def test_rejects_survive_and_the_gates_words_are_the_reports(server: S3Server, beats: Path) -> None:
    with (beats / "mitbih_train.csv").open("a", encoding="ascii") as train:
        train.write("1.0,2.0\n")
    cluster, ended = run(server, beats, as_processes({"IngestGate"}))
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
    assert summary["versions"] == versions_here()
    rows = summary["data"]["rows"]
    assert rows == {"train": 300 - rows["eval"], "eval": rows["eval"], "test": 100, "rejects": 1}
    assert 15 <= rows["eval"] <= 50, "about a tenth is kept to validate on"
    assert summary["verdict"][-1]["sentence"] == log[-1]
    page = published(cluster, ended.run_id, "report/index.html").decode()
    assert "No: data refused" in page
    assert f"{uri}/rejects.jsonl" in page
    assert published(cluster, ended.run_id, "log.txt").decode().splitlines()[-1] == log[-1]


def test_steps_go_on_where_notes_cannot_be_written(
    server: S3Server, beats: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, content: str) -> None:
        raise EnvironmentRefused(f"Cannot write {path}.")

    monkeypatch.setattr(notes, "write_whole", refuse)
    with (beats / "mitbih_test.csv").open("a", encoding="ascii") as test:
        test.write("1.0,2.0\n")
    cluster, ended = run(server, beats, in_this_process)
    assert ended.states["ExampleGen"] == "SUCCEEDED"
    summary = json.loads(published(cluster, ended.run_id, "summary.json"))
    assert (summary["status"], summary["exit_code"]) == ("failed", 1)
    assert [each["sentence"] for each in summary["verdict"]] == [
        "ExampleGen was not started: Kubeflow's page of the run says why (its image, its node, its inputs)."
    ]
