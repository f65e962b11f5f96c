import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import main
from pipeline.commands.kubeflow import kubeflow
from pipeline.kubeflow import submit
from pipeline.kubeflow.spec import TASKS
from tests.pipeline.kubeflow.fake_server import API, RUN_ID, FakeServer, serving
from tests.s3_server import S3Server

IMAGE = "registry.example/heartbeat:1.2.3"
ROOT = "minio://mlpipeline/v2"
EMPTY = "Invalid input error: Namespace is empty. Please specify a valid namespace"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(submit, "POLL_SECONDS", 0)
    monkeypatch.delenv(submit.TOKEN, raising=False)
    with serving() as fake:
        yield fake


def run(tmp_path: Path, data: Path | str, host: str, *more: str) -> int:
    places = ["--image", IMAGE, "--data", str(data), "--pipeline-root", ROOT]
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


def test_the_run_gets_the_pipeline_root_which_kubeflow_reads_nowhere_else(
    server: FakeServer, beats: Path, tmp_path: Path
) -> None:
    assert run(tmp_path, beats, server.url) == 0
    assert server.bodies[f"{API}/runs"]["runtime_config"]["pipeline_root"] == ROOT


REFUSALS = [
    (
        (401, "token expired"),
        r"refuses the token \(token expired\): it is wrong or has expired\. Put a valid one into KFP_T",
    ),
    ((403, "not yours"), r"does not let us into namespace ecg \(not yours\)\. Check --namespace"),
    ((400, EMPTY), r"keeps users apart \(.*Namespace is empty.*\)\. Name your namespace with --namespace\."),
    ((400, "no namespace ecg"), r"refuses with status 400: no namespace ecg\."),
]
"""What the server says, and what we do."""


@pytest.mark.parametrize(("refusal", "words"), REFUSALS)
@pytest.mark.parametrize("path", ["/healthz", "/experiments"])
def test_a_refusal_is_one_sentence_with_the_servers_words(
    path: str,
    refusal: tuple[int, str],
    words: str,
    server: FakeServer,
    beats: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.refusals[path] = refusal
    assert run(tmp_path, beats, server.url, "--namespace", "ecg") == 6
    [*compiled, sentence] = capsys.readouterr().err.splitlines()
    assert len(compiled) == (path != "/healthz")
    assert re.search(words.replace("namespace ecg", "namespace (ecg|.none given.)"), sentence)


@pytest.mark.parametrize(
    ("path", "how"),
    [
        ("/healthz", "redirects to /dex/auth"),
        ("/experiments", "with a page"),
        (f"/runs/{RUN_ID}", "redirects to /dex/auth"),
    ],
)
def test_a_login_page_in_place_of_the_api_is_one_sentence_and_names_the_run_that_goes_on(
    path: str, how: str, server: FakeServer, beats: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    started = RUN_ID in path
    server.behind_login |= {path} if started else {path, "/runs"}
    assert run(tmp_path, beats, server.url, "--wait") == 6
    printed = capsys.readouterr()
    sentence = printed.err.splitlines()[-1]
    assert how in sentence
    assert "a login page, most likely. Put a valid token into KFP_TOKEN" in sentence
    assert sentence.endswith(f"The run continues: {server.url}/#/runs/details/{RUN_ID}") == started
    assert bool(printed.out) == started


@pytest.mark.parametrize(("refusal", "words"), REFUSALS)
def test_a_refusal_while_waiting_says_so_at_once_and_that_the_run_goes_on(
    refusal: tuple[int, str],
    words: str,
    server: FakeServer,
    beats: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(submit, "LOOKS", 1000)
    monkeypatch.setattr(submit, "POLL_SECONDS", 1)
    server.refusals[f"/runs/{RUN_ID}"] = refusal
    assert run(tmp_path, beats, server.url, "--namespace", "ecg", "--wait") == 6
    sentence = capsys.readouterr().err.splitlines()[-1]
    assert re.search(words.replace("namespace ecg \\(", r"namespace \(none given\) \("), sentence)
    assert sentence.endswith(f"The run continues: {server.url}/#/runs/details/{RUN_ID}")


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


def without_metadata(**stages: str) -> list[dict[str, Any]]:
    """Tasks as a Kubeflow without ML Metadata lists them: the root and the DAG stand among them."""
    names = {"root": "RUNNING", "stages": "RUNNING"} | stages
    return [
        {"task_id": f"id-{name}", "name": name, "display_name": name if name in stages else "", "state": state}
        for name, state in names.items()
    ]


def test_stages_are_told_by_a_kubeflow_without_ml_metadata(
    server: FakeServer, beats: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.states = [{"state": "RUNNING", "run_details": {"task_details": []}}, {"state": "SUCCEEDED"}]
    server.tasks = [without_metadata(ExampleGen="CACHED"), without_metadata(IngestGate="SUCCEEDED", Tuner="RUNNING")]
    assert run(tmp_path, beats, server.url, "--wait") == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if line.split()[0] in TASKS]
    assert lines == ["ExampleGen cached", "IngestGate succeeded", "Tuner running"]


@pytest.mark.parametrize("metadata", [True, False])
@pytest.mark.parametrize(("stage", "code"), [("IngestGate", 3), ("DataGate", 3), ("ModelGate", 4), ("Transform", 1)])
def test_a_failed_run_ends_with_the_code_of_the_stage_that_failed_and_what_kubeflow_says(
    stage: str,
    code: int,
    metadata: bool,
    server: FakeServer,
    beats: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if metadata:
        failed = dict.fromkeys((stage, "executor", "stages", "Report"), "FAILED")
        server.states = [seen("FAILED", ExampleGen="SUCCEEDED", **failed)]
    else:
        server.states = [{"state": "FAILED"}]
        [*_, last] = tasks = without_metadata(ExampleGen="SUCCEEDED", **{stage: "FAILED"})
        last["status_metadata"] = {"message": "failed to execute component:\nexit status 1."}
        server.tasks = [tasks, without_metadata(Report="FAILED")]
    assert run(tmp_path, beats, server.url, "--wait") == code
    sentence = capsys.readouterr().err.splitlines()[-1]
    assert sentence.startswith(stage)
    assert "executor" not in sentence
    assert metadata or "Kubeflow says: failed to execute component: exit status 1. " in sentence
    assert sentence.endswith(RUN_ID)


def test_a_kubeflow_that_tells_no_tasks_at_all_still_ends(server: FakeServer, beats: Path, tmp_path: Path) -> None:
    server.states = [{"state": "RUNNING"}, {"state": "SUCCEEDED"}]
    assert run(tmp_path, beats, server.url, "--wait") == 0
    server.states = [{"state": "FAILED"}]
    assert run(tmp_path, beats, server.url, "--wait") == 1


@pytest.mark.parametrize("metadata", [True, False])
def test_a_run_that_succeeded_but_for_its_report_is_told_and_no_success(
    metadata: bool, server: FakeServer, beats: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = {"stages": "SUCCEEDED", "Pusher": "SUCCEEDED", "Report": "FAILED"}
    server.states = [seen("SUCCEEDED", **ended) if metadata else {"state": "SUCCEEDED"}]
    server.tasks = None if metadata else [without_metadata(**ended)]
    assert run(tmp_path, beats, server.url, "--wait") == 1
    sentence = capsys.readouterr().err.splitlines()[-1]
    assert sentence.startswith(
        "The stages succeeded, but Report failed: page and summary may be missing, and its log says why."
    )
    assert sentence.endswith(f"{server.url}/#/runs/details/{RUN_ID}")


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
    assert "refuses with status 502: bad gateway." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--submit"], "--submit needs --host"),
        (["--wait"], "--wait: only a run that --submit starts"),
        (["--host", "http://kfp", "--namespace", "ecg"], "--host, --namespace: only a run that --submit starts"),
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
