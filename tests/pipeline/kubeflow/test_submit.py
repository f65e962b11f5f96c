import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import main
from pipeline.commands.kubeflow import kubeflow
from pipeline.kubeflow import submit
from tests.pipeline.kubeflow.fake_server import API, RUN_ID, FakeServer, serving
from tests.s3_server import S3Server

IMAGE = "registry.example/heartbeat:1.2.3"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(submit, "POLL_SECONDS", 0)
    monkeypatch.delenv(submit.TOKEN, raising=False)
    with serving() as fake:
        yield fake


def run(tmp_path: Path, data: Path | str, host: str, *more: str) -> int:
    places = ["--image", IMAGE, "--data", str(data), "--pipeline-root", "minio://mlpipeline/v2"]
    return main(kubeflow, [*places, "--output", str(tmp_path / "out.yaml"), "--submit", "--host", host, *more])


def seen(state: str, **stages: str) -> dict[str, Any]:
    """A run as Kubeflow tells of it: executors and DAGs stand among its tasks."""
    tasks = [{"task_id": f"id-{stage}", "display_name": stage, "state": of} for stage, of in stages.items()]
    return {"state": state, "run_details": {"task_details": tasks}}


def test_a_run_is_started_with_the_datas_fingerprint_and_its_url_is_on_stdout(
    server: FakeServer, beats: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(submit.TOKEN, "a-token")
    assert run(tmp_path, beats, server.url, "--namespace", "ecg", "--experiment", "night") == 0
    assert capsys.readouterr().out == f"{server.url}/#/runs/details/{RUN_ID}\n"
    assert server.headers["authorization"] == "Bearer a-token"
    assert server.bodies[f"{API}/experiments"] == {"display_name": "night", "namespace": "ecg"}
    sent = server.bodies[f"{API}/runs"]["pipeline_spec"]
    assert len(sent["root"]["inputDefinitions"]["parameters"]["fingerprint"]["defaultValue"]) == 16
    assert sent["components"]["stages"]["dag"]["tasks"]["ExampleGen"]["cachingOptions"] == {"enableCache": True}
    assert "a-token" not in (tmp_path / "out.yaml").read_text(encoding="utf-8")


def test_data_that_only_the_pods_have_is_not_cached(server: FakeServer, tmp_path: Path) -> None:
    assert run(tmp_path, "/volume-of-the-pods/beats", server.url) == 0
    sent = server.bodies[f"{API}/runs"]["pipeline_spec"]
    assert "cachingOptions" not in sent["components"]["stages"]["dag"]["tasks"]["ExampleGen"]


def test_missing_data_is_refused_before_a_call(
    server: FakeServer, beats: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (beats / "mitbih_test.csv").unlink()
    assert run(tmp_path, beats, server.url) == 3
    assert "has no mitbih_test.csv" in capsys.readouterr().err
    assert not server.bodies


def test_a_bucket_that_is_not_reached_is_the_environment(
    server: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as gone:
        pass
    for name, value in S3Server(gone.url).environ.items():
        monkeypatch.setenv(name, value)
    assert run(tmp_path, "s3://bucket/beats", server.url) == 6
    assert f"{gone.url} cannot be reached: Connection refused." in capsys.readouterr().err
    assert run(tmp_path, "nostore://bucket/beats", server.url) == 2
    assert "nostore://bucket/beats/mitbih_train.csv cannot be opened" in capsys.readouterr().err


def test_a_host_that_does_not_answer(tmp_path: Path, beats: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving() as gone:
        pass
    assert run(tmp_path, beats, gone.url) == 6
    assert f"{gone.url} does not answer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ((401, "token expired"), r"refuses the token \(token expired\)\. Put a valid one into KFP_TOKEN"),
        ((403, "not yours"), r"does not let us into namespace ecg \(not yours\)\. Check --namespace"),
        ((400, "no namespace ecg"), r"refuses the run with status 400: no namespace ecg\."),
    ],
)
def test_a_refusal_is_one_sentence_with_the_servers_words(
    refusal: tuple[int, str],
    words: str,
    server: FakeServer,
    beats: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.refusal = refusal
    assert run(tmp_path, beats, server.url, "--namespace", "ecg") == 6
    [compiled, sentence] = capsys.readouterr().err.splitlines()
    assert compiled.startswith("Compiled 15 stages")
    assert re.search(words, sentence)


def test_waiting_tells_of_each_stage_once_and_ends_with_the_run(
    server: FakeServer, beats: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.states = [
        seen("RUNNING", ExampleGen="RUNNING", executor="PENDING"),
        seen("RUNNING", ExampleGen="RUNNING", executor="RUNNING"),
        seen("SUCCEEDED", ExampleGen="SUCCEEDED", stages="SUCCEEDED"),
    ]
    assert run(tmp_path, beats, server.url, "--wait") == 0
    told = [line for line in capsys.readouterr().err.splitlines() if line.endswith(("running", "succeeded", "pending"))]
    assert told == ["ExampleGen running", "ExampleGen succeeded"]


@pytest.mark.parametrize(("stage", "code"), [("IngestGate", 3), ("DataGate", 3), ("ModelGate", 4), ("Transform", 1)])
def test_a_failed_run_ends_with_the_code_of_the_stage_that_failed(
    stage: str, code: int, server: FakeServer, beats: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = dict.fromkeys((stage, "executor", "stages", "Report"), "FAILED")
    server.states = [seen("FAILED", ExampleGen="SUCCEEDED", **failed)]
    assert run(tmp_path, beats, server.url, "--wait") == code
    sentence = capsys.readouterr().err.splitlines()[-1]
    assert sentence.startswith(stage)
    assert "executor" not in sentence


def test_a_cancelled_run_is_no_success(server: FakeServer, beats: Path, tmp_path: Path) -> None:
    server.states = [seen("CANCELED")]
    assert run(tmp_path, beats, server.url, "--wait") == 1


def test_an_image_that_the_cluster_cannot_get(
    server: FakeServer, beats: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trouble = {"code": 2, "message": 'pod ecg-1: ImagePullBackOff: Back-off pulling image "registry.example"'}
    server.states = [{"state": "RUNNING", "error": trouble}]
    assert run(tmp_path, beats, server.url, "--wait") == 6
    assert f"cannot get image {IMAGE}" in capsys.readouterr().err


def test_a_pod_that_does_not_start_is_waited_for_so_long_and_no_longer(
    server: FakeServer,
    beats: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(submit, "PENDING_SECONDS", -1)
    server.states = [seen("RUNNING", ExampleGen="RUNNING", executor="PENDING")]
    assert run(tmp_path, beats, server.url, "--wait") == 6
    assert f"cannot get image {IMAGE}, or has no node" in capsys.readouterr().err


def test_a_server_that_is_away_for_a_moment_is_waited_for(
    server: FakeServer, beats: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.lost_looks = 2
    assert run(tmp_path, beats, server.url, "--wait") == 0
    server.lost_looks = 1000
    assert run(tmp_path, beats, server.url, "--wait") == 6
    assert "refuses the run with status 502" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--submit"], "--submit needs --host"),
        (["--wait"], "--wait waits for a run that --submit starts"),
        (["--pipeline-root", "/tmp/root"], "object store"),
        (["--data", "minio://beats"], "s3://beats"),
        (["--serving", "minio://models"], "s3://models"),
    ],
)
def test_flags_that_do_not_go_together(
    flags: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--image", IMAGE, "--data", "s3://beats", "--pipeline-root", "s3://root", "--output", str(tmp_path / "x")]
    assert main(kubeflow, [*places, *flags]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
