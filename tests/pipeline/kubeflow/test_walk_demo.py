"""The compiled demo, all of it, walked as Kubeflow runs it, from and to an S3 server; then once more from the cache."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from components.beats.synthetic import write_demo_set
from pipeline.kubeflow.spec import Target, compile_text
from pipeline.kubeflow.submit import data_fingerprint
from pipeline.profiles import ALL_STAGES
from pipeline.settings import settings_from
from tests.pipeline.kubeflow.walk import BUCKET, SECRET, TOP, Cluster, Run, environment_of
from tests.s3_server import S3Server, s3_server

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]

DATA = "s3://beats/demo"
NEVER_CACHED = {"IngestGate", "DataGate", "ModelGate", "Pusher"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    folder = tmp_path_factory.mktemp("demo")
    write_demo_set(folder)
    with s3_server() as running:
        client = running.client()
        client.create_bucket(Bucket="beats")
        for file in folder.iterdir():
            client.upload_file(str(file), "beats", f"demo/{file.name}")
        yield running


@pytest.fixture(scope="module")
def cluster(server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return Cluster(server, tmp_path_factory.mktemp("pods"))


@pytest.fixture(scope="module")
def text(server: S3Server) -> str:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environ.items():
            patch.setenv(name, value)
        seen = data_fingerprint(DATA)
    assert seen is not None
    where = [f"cluster.store={server.endpoint}", f"cluster.secret={SECRET}"]
    target = Target("heartbeat:1", DATA, f"minio://{BUCKET}/v2/artifacts", f"s3://{BUCKET}/serving", seen)
    return compile_text(settings_from("demo", where), target)


@pytest.fixture(scope="module")
def first(cluster: Cluster, text: str) -> Run:
    return cluster.run(text)


@pytest.fixture(scope="module")
def second(first: Run, cluster: Cluster, text: str) -> Run:
    return cluster.run(text)


def page_and_summary(cluster: Cluster, run: Run) -> tuple[str, dict[str, Any]]:
    folder = f"s3://{BUCKET}/v2/artifacts/runs/{run.run_id}"
    return cluster.get(f"{folder}/report/index.html").decode(), json.loads(cluster.get(f"{folder}/summary.json"))


def test_the_demo_runs_to_its_end_and_pushes(first: Run, cluster: Cluster) -> None:
    assert set(first.states.values()) == {"SUCCEEDED"}, first.logs
    page, summary = page_and_summary(cluster, first)
    assert (summary["status"], summary["exit_code"]) == ("done", 0)
    assert "could not be made" not in page
    assert "not-reached" not in page


def test_the_model_from_the_cache_is_not_pushed_again(first: Run, second: Run, cluster: Cluster) -> None:
    assert page_and_summary(cluster, first)[1]["model"] == page_and_summary(cluster, second)[1]["model"]
    assert len([uri for uri in cluster.objects(f"s3://{BUCKET}/serving") if uri.endswith("/saved_model.pb")]) == 1


def test_again_all_but_what_decides_comes_from_the_cache(second: Run, cluster: Cluster) -> None:
    assert {stage for stage, state in second.states.items() if state == "CACHED"} == set(ALL_STAGES) - NEVER_CACHED
    page, summary = page_and_summary(cluster, second)
    assert (summary["status"], summary["exit_code"]) == ("done", 0)
    assert "could not be made" not in page
    assert "not-reached" not in page


def heartbeat(server: S3Server, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from pipeline.cli import run; run()", *words]
    return subprocess.run(command, cwd=TOP, env=environment_of(server), capture_output=True, text=True, check=False)


def test_what_was_pushed_is_listed_and_scores_from_here(first: Run, cluster: Cluster, server: S3Server) -> None:
    serving = ("--serving", f"s3://{BUCKET}/serving")
    listed = heartbeat(server, "models", "list", *serving, "--json")
    assert listed.returncode == 0, listed.stderr
    _, summary = page_and_summary(cluster, first)
    assert json.loads(listed.stdout)[0]["location"] == summary["model"]["pushed"]
    places = ("--input", f"{DATA}/mitbih_test.csv", "--output", "s3://beats/scored")
    scored = heartbeat(server, "score", *serving, *places)
    assert scored.returncode == 0, scored.stderr
    assert "s3://beats/scored/_SUCCESS" in cluster.objects("s3://beats/scored/")
