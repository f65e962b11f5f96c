"""The compiled spec run as Kubeflow runs it, two steps as processes: to its end, then refused by a gate."""

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.beat import CLASSES
from components.verdict import PUSHED_BEFORE
from pipeline.kubeflow.spec import Target, compile_text
from pipeline.kubeflow.submit import data_fingerprint
from pipeline.profiles import ALL_STAGES
from pipeline.settings import settings_from
from tests.pipeline.kubeflow.small_set import small_set
from tests.pipeline.kubeflow.walk import BUCKET, SECRET, TOP, Cluster, Run, as_processes, environment_of
from tests.s3_server import S3Server, s3_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

DATA = "s3://beats/small"
ROOT = f"minio://{BUCKET}/ecg/artifacts"
"""Not the one that Kubeflow's launcher has for runs that name none."""

NEVER_CACHED = {"IngestGate", "DataGate", "ModelGate", "Pusher"}
RUNS = f"s3://{BUCKET}/ecg/artifacts/runs"
QUICK = (
    "tune.trials=1",
    "tune.epochs=1",
    "train.epochs=2",
    "finetune.head_epochs=1",
    "finetune.epochs=2",
    "finetune.refit_epochs=1",
    "evaluate.resamples=100",
    "gate.synthetic.clean_accuracy=0",
    "gate.synthetic.clean_macro_f1=0",
    "gate.synthetic.noisy_accuracy=0",
    "gate.synthetic.noisy_macro_f1=0",
    *(f"gate.synthetic.recall.{symbol}=0" for symbol in CLASSES),
)
"""Trainings of seconds, and a gate that lets their model out."""


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as running:
        client = running.client()
        for bucket in ("beats", "models"):
            client.create_bucket(Bucket=bucket)
        for name, content in small_set().items():
            client.put_object(Bucket="beats", Key=f"small/{name}", Body=content)
        yield running


@pytest.fixture(scope="module")
def cluster(server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return Cluster(server, tmp_path_factory.mktemp("pods"), as_processes({"Trainer", "ModelGate"}))


def compiled(server: S3Server, *overrides: str) -> str:
    cluster = (f"cluster.store={server.endpoint}", f"cluster.secret={SECRET}")
    settings = settings_from("demo", [*QUICK, *cluster, *overrides])
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environ.items():
            patch.setenv(name, value)
        seen = data_fingerprint(DATA)
    assert seen is not None
    return compile_text(settings, Target("heartbeat:1", DATA, ROOT, f"s3://{BUCKET}/serving", seen))


@pytest.fixture(scope="module")
def beside(
    server: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The same on this machine, from and to the object store, while the walk uses one of its cores."""
    root = tmp_path_factory.mktemp("root")
    words = [word for override in QUICK for word in ("--set", override)]
    places = ["--data", DATA, "--serving", "s3://models/serving", "--root", str(root)]
    command = [sys.executable, "local_runner.py", *places, *words]
    with (root / "screen.txt").open("wb") as screen:
        running = subprocess.Popen(
            command, cwd=TOP, env=environment_of(server), stdout=screen, stderr=subprocess.STDOUT
        )
        yield running, root
        running.kill()
        running.wait()


@pytest.fixture(scope="module")
def done(beside: object, cluster: Cluster, server: S3Server) -> Run:
    return cluster.run(compiled(server), ROOT)


@pytest.fixture(scope="module")
def refused(done: Run, cluster: Cluster, server: S3Server) -> Run:
    return cluster.run(compiled(server, "gate.synthetic.recall.S=1.0"), ROOT)


@pytest.fixture(scope="module")
def again(done: Run, cluster: Cluster, server: S3Server) -> Run:
    return cluster.run(compiled(server), ROOT)


@pytest.fixture(scope="module")
def local(beside: tuple[subprocess.Popen[bytes], Path]) -> Path:
    """The root of the run on this machine."""
    running, root = beside
    assert running.wait() == 0, (root / "screen.txt").read_text()
    return root


def published(cluster: Cluster, run: Run, name: str) -> Any:
    content = cluster.get(f"{RUNS}/{run.run_id}/{name}")
    return json.loads(content) if name.endswith(".json") else content.decode()


HEADING = re.compile(r"<h2[^>]*>(.*?)</h2>", re.DOTALL)


def flat(value: Any) -> list[float]:
    """All numbers in it, in order; None as NaN."""
    if isinstance(value, dict):
        return [number for inner in value.values() for number in flat(inner)]
    if isinstance(value, list):
        return [number for inner in value for number in flat(inner)]
    return [float("nan") if value is None else float(value)]


def states(summary: dict[str, Any]) -> dict[str, str]:
    return {stage["name"]: stage["state"] for stage in summary["stages"]}


def test_every_stage_runs_and_the_report_is_the_last(done: Run) -> None:
    assert done.states == dict.fromkeys((*ALL_STAGES, "stages", "Report"), "SUCCEEDED"), done.logs
    assert list(done.states)[-2:] == ["stages", "Report"]


def test_the_model_is_pushed_to_the_object_store(done: Run, cluster: Cluster) -> None:
    pushed = published(cluster, done, "summary.json")["model"]["pushed"]
    assert pushed.startswith(f"s3://{BUCKET}/serving/")
    assert f"{pushed}/saved_model.pb" in cluster.objects(pushed)


def test_predictions_are_those_of_the_local_runner(done: Run, cluster: Cluster, local: Path) -> None:
    artifacts = json.loads(next(local.glob("runs/*/artifacts.json")).read_text())
    [here] = artifacts["Judge"]["judgement"]
    uri = done.artifacts["Judge", "judgement"]["uri"].replace("minio://", "s3://")
    with (
        np.load(Path(here, "predictions.npz")) as ours,
        np.load(io.BytesIO(cluster.get(f"{uri}/predictions.npz"))) as theirs,
    ):
        assert set(ours) == set(theirs)
        for name in ours:
            np.testing.assert_allclose(theirs[name], ours[name], rtol=0, atol=1e-5, err_msg=name)


def test_summary_and_page_are_in_the_form_of_the_local_runners(done: Run, cluster: Cluster, local: Path) -> None:
    ours = json.loads((local / "summary.json").read_text())
    theirs = published(cluster, done, "summary.json")
    assert theirs.keys() == ours.keys()
    assert states(theirs) == states(ours)
    for same in ("status", "exit_code", "data", "versions"):
        assert theirs[same] == ours[same]
    assert flat(theirs["metrics"]) == pytest.approx(flat(ours["metrics"]), abs=1e-4, nan_ok=True)
    assert theirs["model"]["parameters"] == ours["model"]["parameters"]
    assert [stage["rows"] for stage in theirs["stages"]] == [stage["rows"] for stage in ours["stages"]]
    seconds = {stage["name"]: stage["seconds"] for stage in theirs["stages"]}
    assert all(seconds[stage] > 0 for stage in ("ExampleGen", "Transform", "Trainer", "ModelGate")), "not a gate's 4 ms"
    page = published(cluster, done, "report/index.html")
    here = next(local.glob("runs/*/report/index.html")).read_text()
    assert HEADING.findall(page) == HEADING.findall(here)
    assert "could not be made" not in page
    assert "/minio/" not in page
    assert f"{RUNS}/{done.run_id}" in page
    assert published(cluster, done, "settings.json")["profile"] == "demo"
    assert published(cluster, done, "artifacts.json")["Judge"]["judgement"][0].startswith(f"s3://{BUCKET}/")


def test_a_cached_model_is_not_pushed_again_and_the_summary_says_so(done: Run, again: Run, cluster: Cluster) -> None:
    assert {stage for stage, state in again.states.items() if state == "CACHED"} == set(ALL_STAGES) - NEVER_CACHED
    first, second = (published(cluster, run, "summary.json") for run in (done, again))
    assert first["model"]["pushed"] == second["model"]["pushed"]
    versions = [uri for uri in cluster.objects(f"s3://{BUCKET}/serving") if uri.endswith("/saved_model.pb")]
    assert versions == [f"{first['model']['pushed']}/saved_model.pb"]
    codes = [[each["code"] for each in summary["verdict"]].count(PUSHED_BEFORE) for summary in (first, second)]
    assert codes == [0, 1]


def test_a_gate_that_refuses_ends_the_run_and_the_report_tells_of_all_of_it(refused: Run, cluster: Cluster) -> None:
    assert {stage for stage, state in refused.states.items() if state == "CACHED"} == set(ALL_STAGES) - NEVER_CACHED
    assert refused.states["ModelGate"] == refused.states["stages"] == refused.states["Report"] == "FAILED"
    assert refused.states["Pusher"] == "OMITTED"
    assert (refused.codes["ModelGate"], refused.codes["Report"]) == (4, 4)
    summary = published(cluster, refused, "summary.json")
    assert (summary["status"], summary["exit_code"]) == ("model_refused", 4)
    cached = dict.fromkeys(set(ALL_STAGES) - NEVER_CACHED, "cached")
    ended = {"IngestGate": "ran", "DataGate": "ran", "ModelGate": "failed", "Pusher": "skipped"}
    assert states(summary) == cached | ended
    assert summary["metrics"]["clean"]["accuracy"] < 1
    assert any(each["kind"] == "refusal" for each in summary["verdict"])
    assert summary["verdict"][-1]["sentence"] in refused.logs["ModelGate"]
    assert summary["verdict"][-1]["sentence"] in refused.logs["Report"]


def test_the_page_of_a_refused_run_has_what_cached_stages_left(refused: Run, cluster: Cluster) -> None:
    assert published(cluster, refused, "artifacts.json").keys() == set(ALL_STAGES) - {"ModelGate", "Pusher"}
    page = published(cluster, refused, "report/index.html")
    assert "No: model refused" in page
    assert "could not be made" not in page
    assert "not-reached" not in page


def test_no_secret_is_anywhere(done: Run, refused: Run, local: Path, cluster: Cluster, server: S3Server) -> None:
    secret = server.environ["AWS_SECRET_ACCESS_KEY"]
    assert secret not in compiled(server)
    for run in (done, refused):
        assert secret not in json.dumps([*run.artifacts.values(), run.parameters])
        assert not [stage for stage, log in run.logs.items() if secret in log]
    here = [local / "screen.txt", local / "tfx" / "metadata.sqlite", *local.glob("runs/*/*")]
    assert not [file for file in here if file.is_file() and secret.encode() in file.read_bytes()]
    everything = cluster.objects(f"s3://{BUCKET}/") + cluster.objects("s3://models/")
    assert len(everything) > 100
    assert not [uri for uri in everything if secret.encode() in cluster.get(uri)]
