"""Scoring on a standalone Flink cluster: a JobManager and two TaskManagers, each a process."""

import base64
import hashlib
import json
import os
import signal
import tempfile
import time
from pathlib import Path

import pytest

from components.score.engines.flink import cancel_flink_job, flink_overview, flink_rest
from components.score.engines.job_server import free_port
from tests.cluster.conftest import BUCKET
from tests.cluster.jobs import (
    FILES,
    assert_whole,
    await_lease_given_up,
    await_none,
    await_shards,
    ended_shards,
    on,
    processes,
    score,
    send,
)
from tests.recordings.archives import write_archive
from tests.score.jobs import digests

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(2400)]

JOB_SERVER, WORKER = "FlinkJobServerDriver", "components.score.engines.worker"
"""What shows in the command lines of a job's processes."""

STORED = 6
"""Inputs on the object store: each costs a dozen requests."""


@pytest.fixture(autouse=True)
def _slots_are_free(flink):
    """Each test begins and ends with a cluster that has two TaskManagers and no job."""
    flink.await_workers(2)
    yield
    flink.await_workers(2)
    for job in flink_rest(flink.address, "/jobs/overview")["jobs"]:
        cancel_flink_job(flink.address, job["name"])


def counted(flink, name):
    """A counter of ours as Flink's page shows it, for each subtask of the newest job."""
    jobs = flink_rest(flink.address, "/jobs/overview")["jobs"]
    newest = max(jobs, key=lambda job: job["start-time"])
    counts = {}
    for vertex in flink_rest(flink.address, f"/jobs/{newest['jid']}")["vertices"]:
        path = f"/jobs/{newest['jid']}/vertices/{vertex['id']}/subtasks/accumulators"
        for subtask in flink_rest(flink.address, path)["subtasks"]:
            for accumulator in subtask["user-accumulators"]:
                value = counter_in(accumulator["value"], name)
                if value is not None:
                    counts[subtask["subtask"]] = value
    return counts


def counter_in(text, name):
    for metric in json.loads(text)["metrics"]["attempted"]:
        if metric["labels"].get("NAME") == name and metric["labels"].get("NAMESPACE") == "heartbeat.score":
            number = 0
            for at, byte in enumerate(base64.b64decode(metric["payload"])):  # a varint
                number |= (byte & 127) << (7 * at)
            return number
    return None


def stored_model(client, model):
    """Copy a model to the store; return its URI."""
    model = Path(model)
    for path in (path for path in model.rglob("*") if path.is_file()):
        client.upload_file(str(path), BUCKET, f"serving/{model.name}/{path.relative_to(model)}")
    return f"s3://{BUCKET}/serving/{model.name}"


def test_on_a_store_both_taskmanagers_do_a_share_and_leave_the_local_runners_bytes(
    flink, beats, worker_command, s3, environ, tmp_path
):
    logs = [flink.folder / f"taskmanager-{at}.log" for at, guard in enumerate(flink.workers) if guard.poll() is None]
    before = [len(ended_shards(log)) for log in logs]
    client = s3.client()
    for path in sorted(Path(beats.pattern).parent.iterdir())[:STORED]:
        client.upload_file(str(path), BUCKET, f"flink/in/{path.name}")
    top = f"s3://{BUCKET}/flink"
    flags = on("flink", flink, worker_command)
    places = {"pattern": f"{top}/in/*.csv", "model": stored_model(client, beats.model)}
    done = score(beats, f"{top}/out", environ, *flags, **places).ended()
    assert done.code == 0, done.err

    local = score(beats, tmp_path / "local", environ, "--workers", "1", **places).ended()
    assert local.code == 0, local.err
    for found in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="flink/out/"):
        for item in found["Contents"]:
            target = tmp_path / item["Key"].removeprefix("flink/")
            target.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(BUCKET, item["Key"], str(target))
    assert digests(tmp_path / "out") == digests(tmp_path / "local")
    assert not (tmp_path / "out" / "lock").exists()

    after = [len(ended_shards(log)) for log in logs]
    assert sum(later > earlier for earlier, later in zip(before, after, strict=True)) == 2, "a TaskManager did nothing"
    rows = counted(flink, "rows_scored")
    assert len(rows) == 2
    assert sum(rows.values()) == beats.rows * STORED // FILES
    await_none(JOB_SERVER, WORKER)


def test_recordings_on_a_store_leave_the_local_runners_bytes(flink, beats, worker_command, s3, environ, tmp_path):
    client, top = s3.client(), f"s3://{BUCKET}/recordings"
    for path in write_archive(tmp_path / "archive", beats=300).iterdir():
        client.upload_file(str(path), BUCKET, f"recordings/in/{path.name}")
    places = {"pattern": f"{top}/in", "model": stored_model(client, beats.model)}
    flags = ["--annotations", "pred"]
    job = score(beats, f"{top}/out", environ, *on("flink", flink, worker_command, *flags), **places)
    local = score(beats, tmp_path / "local", environ, "--workers", "1", *flags, **places)
    for done in (job.ended(), local.ended()):
        assert done.code == 0, done.err
    for name, digest in digests(tmp_path / "local").items():
        client.download_file(BUCKET, f"recordings/out/{name}", str(tmp_path / "one"))
        assert hashlib.sha256((tmp_path / "one").read_bytes()).hexdigest() == digest
    assert len(list((tmp_path / "local" / "annotations").iterdir())) == 3


def test_a_worker_pool_that_is_not_there_is_told_within_a_minute(flink, beats, environ, tmp_path):
    began, pool = time.monotonic(), f"localhost:{free_port()}"
    flags = ["--on", f"flink://{flink.address}", "--assume-shared", "--", "--environment_type=EXTERNAL"]
    done = score(beats, tmp_path / "out", environ, *flags, f"--environment_config={pool}").ended()
    assert done.code == 6, done.err
    [sentence] = done.sentences
    assert f"No worker pool answers at {pool}" in sentence
    assert time.monotonic() - began < 60
    await_none(JOB_SERVER)


def test_ten_jobs_leave_nothing_in_the_temporary_folder_that_command_and_workers_share(
    flink, beats, worker_command, environ, tmp_path
):
    before = set(os.listdir(tempfile.gettempdir()))
    [pattern, *_] = sorted(str(path) for path in Path(beats.pattern).parent.iterdir())
    for number in range(10):
        flags = on("flink", flink, worker_command, "--assume-shared")
        assert score(beats, tmp_path / str(number), environ, *flags, pattern=pattern).ended().code == 0
    await_none(JOB_SERVER, WORKER)
    assert set(os.listdir(tempfile.gettempdir())) == before


def test_a_taskmanager_killed_in_the_middle_costs_neither_rows_nor_the_job(
    flink, beats, worker_command, environ, tmp_path
):
    job = score(beats, tmp_path / "out", environ, *on("flink", flink, worker_command, "--assume-shared"))
    await_shards(job, tmp_path / "out", FILES // 4)
    os.kill(flink.pid_of(-1), signal.SIGKILL)
    flink.add_worker()  # as whatever looks after the machines would
    done = job.ended()
    assert done.code == 0, done.err
    assert_whole(beats, tmp_path / "out")


def test_a_full_cluster_and_a_job_server_that_goes_away_are_told_and_the_job_is_resumed_elsewhere(
    flink, beats, worker_command, environ, tmp_path
):
    flags = on("flink", flink, worker_command, "--assume-shared")
    job = score(beats, tmp_path / "out", environ, *flags)
    await_shards(job, tmp_path / "out", 1)
    workers = processes(WORKER)
    send(workers, signal.SIGSTOP)  # so that the job is still in its middle when the second one comes

    second = score(beats, tmp_path / "second", environ, *flags).ended()
    assert second.code == 6
    [sentence] = second.sentences
    assert "0 free slots of 2" in sentence
    assert not (tmp_path / "second").exists()

    [server] = [number for number in processes(JOB_SERVER) if Path(f"/proc/{number}/exe").resolve().name == "java"]
    os.kill(server, signal.SIGKILL)
    send(workers, signal.SIGCONT)
    done = job.ended()
    assert done.code == 6, done.err
    assert len(done.sentences) == 1, done.err
    [sentence] = done.sentences
    assert "job server" in sentence
    assert "--resume" in sentence
    await_none(JOB_SERVER, WORKER)
    assert flink_overview(flink.address).running == 0

    resumed = score(beats, tmp_path / "out", environ, "--workers", "1", "--resume").ended()
    assert resumed.code == 0, resumed.err
    assert_whole(beats, tmp_path / "out")


def test_ctrl_c_ends_the_job_on_the_cluster_its_workers_and_the_job_server(
    flink, beats, worker_command, environ, tmp_path
):
    job = score(beats, tmp_path / "out", environ, *on("flink", flink, worker_command, "--assume-shared"))
    await_shards(job, tmp_path / "out", 1)
    workers = processes(WORKER)
    send(workers, signal.SIGSTOP)  # so that the job is still in its middle when it is interrupted
    job.interrupt()
    await_lease_given_up(tmp_path / "out")
    send(workers, signal.SIGCONT)
    done = job.ended()
    assert done.code == 130, done.err
    assert "--resume" in done.sentences[-1]
    await_none(JOB_SERVER, WORKER)
    assert flink_overview(flink.address).running == 0
