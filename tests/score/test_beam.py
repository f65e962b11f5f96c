"""The wiring: every shard once, whatever became of it; and workers that do not outlive their submitter."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from components.errors import EnvironmentRefused
from components.io.submitter import POLL_SECONDS, LocalSubmitter, local_submitter
from components.score import beam
from components.score.engines.engine import BeamRunner, Session
from components.score.engines.worker import local_worker_command
from components.score.run import score
from components.score.runner import EngineRunner
from tests.score.jobs import NumpyModel, digests, request, run, write_csv


@pytest.fixture
def _numpy_model(monkeypatch):
    monkeypatch.setattr(beam, "loaded_model", lambda ref: NumpyModel())


IN_PROCESS = EngineRunner(BeamRunner(1, []))


@pytest.mark.usefixtures("_numpy_model")
def test_beam_in_this_process_leaves_the_bytes_of_a_loop(tmp_path):
    write_csv(tmp_path / "a.csv", 100)
    assert score(request(tmp_path / "a.csv", output=tmp_path / "out"), IN_PROCESS).exit_code == 0
    run(tmp_path / "a.csv", output=tmp_path / "loop")
    assert digests(tmp_path / "out") == digests(tmp_path / "loop")


@pytest.mark.usefixtures("_numpy_model")
def test_a_job_is_not_submitted_before_its_server_is_ready(tmp_path, monkeypatch):
    write_csv(tmp_path / "a.csv", 10)
    made = []
    put = beam.score_shards
    monkeypatch.setattr(beam, "score_shards", lambda *arguments: made.append("graph") or put(*arguments))

    def not_ready():
        made.append("asked")
        raise EnvironmentRefused("The job server ended.")

    def on_beam(tasks, model, follow):
        return beam.run_on_beam(tasks, model, Session([], await_ready=not_ready), follow)

    with pytest.raises(EnvironmentRefused, match="job server ended"):
        score(request(tmp_path / "a.csv", output=tmp_path / "out"), on_beam)
    assert made == ["graph", "asked"]  # which is made meanwhile
    assert not list((tmp_path / "out/parts").glob("*.parquet"))


@pytest.mark.usefixtures("_numpy_model")
def test_an_engine_that_is_lost_ends_the_job(tmp_path, monkeypatch):
    monkeypatch.setattr(beam, "FOLLOW_SECONDS", 0.0)
    write_csv(tmp_path / "a.csv", 10)

    def lost():
        raise EnvironmentRefused("The job server ended with 1.")

    def on_beam(tasks, model, follow):
        return beam.run_on_beam(tasks, model, Session([], check=lost), follow)

    with pytest.raises(EnvironmentRefused, match="ended with 1"):
        score(request(tmp_path / "a.csv", output=tmp_path / "out"), on_beam)


def test_a_job_that_beam_cannot_run_is_told(tmp_path, monkeypatch):
    def broken(self):
        raise RuntimeError("no thread to be had")

    monkeypatch.setattr(LocalSubmitter, "watch", broken)
    write_csv(tmp_path / "a.csv", 10)
    summary = score(request(tmp_path / "a.csv", output=tmp_path / "out"), IN_PROCESS)
    assert summary.exit_code == 5
    assert "no thread to be had" in summary.sentences[0]
    assert "--resume" in summary.sentences[1]


def test_a_worker_ends_when_its_submitter_gives_up():
    """Its control address leads nowhere: it would wait for a minute."""
    with local_submitter() as submitter:
        environment = {**os.environ, "CONTROL_API_SERVICE_DESCRIPTOR": 'url: "localhost:1"', "PIPELINE_OPTIONS": "{}"}
        worker = subprocess.Popen(
            local_worker_command(submitter), shell=True, env=environment, stderr=subprocess.DEVNULL
        )
        time.sleep(2 * POLL_SECONDS)
        assert worker.poll() is None
    assert worker.wait(timeout=30) == 143


def _has_ended(pid):
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


def test_a_worker_ends_when_its_submitter_is_killed():
    program = (
        "import subprocess, time; from components.io.submitter import local_submitter; "
        "from components.score.engines.worker import local_worker_command\n"
        "with local_submitter() as submitter:\n"
        " print(subprocess.Popen(local_worker_command(submitter), shell=True).pid, flush=True)\n"
        " time.sleep(60)"
    )
    environment = {**os.environ, "CONTROL_API_SERVICE_DESCRIPTOR": 'url: "localhost:1"', "PIPELINE_OPTIONS": "{}"}
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    for _ in range(300):
        if _has_ended(worker):
            return
        time.sleep(0.1)
    pytest.fail("the worker outlived its submitter")
