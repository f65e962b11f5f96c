"""Scoring on a standalone Spark cluster: a master and two workers, each a process."""

import os
import signal
from types import SimpleNamespace

import pytest

from components.score.engines.job_server import free_port
from tests.cluster.jobs import FILES, assert_whole, await_none, await_shards, on, score, shares
from tests.recordings.archives import write_archive
from tests.score.engines.fakes import fake_flink
from tests.score.jobs import digests
from tools.local_cluster import local_cluster

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(2400)]

JOB_SERVER, WORKER = "SparkJobServerDriver", "components.score.engines.worker"
"""What shows in the command lines of a job's processes."""


def test_both_workers_do_a_share_and_leave_the_local_runners_bytes(spark, beats, worker_command, environ, tmp_path):
    logs = "worker-*/app-*/*/stderr"
    of_others = set(spark.folder.glob(logs))
    flags = on("spark", spark, worker_command, "--assume-shared")
    done = score(beats, tmp_path / "out", environ, *flags).ended()
    assert done.code == 0, done.err
    assert_whole(beats, tmp_path / "out")
    by_log = shares(set(spark.folder.glob(logs)) - of_others)
    assert len([log for log, done in by_log.items() if done]) == 2, by_log
    assert len(set().union(*by_log.values())) == FILES
    await_none(JOB_SERVER, WORKER)


def test_recordings_leave_the_local_runners_bytes(spark, beats, worker_command, environ, tmp_path):
    archive = write_archive(tmp_path / "archive", beats=300)
    flags = ["--annotations", "pred"]
    on_spark = on("spark", spark, worker_command, "--assume-shared", *flags)
    for output, where in (("out", on_spark), ("local", ["--workers", "1", *flags])):
        done = score(beats, tmp_path / output, environ, *where, pattern=str(archive)).ended()
        assert done.code == 0, done.err
    assert len(list((tmp_path / "local" / "annotations").iterdir())) == 3
    assert digests(tmp_path / "out") == digests(tmp_path / "local")


def test_a_worker_pool_that_is_not_there_is_told(spark, beats, environ, tmp_path):
    pool = f"localhost:{free_port()}"
    flags = ["--on", f"spark://{spark.address}", "--assume-shared", "--", "--environment_type=EXTERNAL"]
    done = score(beats, tmp_path / "out", environ, *flags, f"--environment_config={pool}").ended()
    assert done.code == 6, done.err
    [sentence] = done.sentences
    assert f"No worker pool answers at {pool}" in sentence
    await_none(JOB_SERVER)


def test_a_worker_killed_in_the_middle_costs_neither_rows_nor_the_job(spark, beats, worker_command, environ, tmp_path):
    job = score(beats, tmp_path / "out", environ, *on("spark", spark, worker_command, "--assume-shared"))
    await_shards(job, tmp_path / "out", FILES // 4)
    os.kill(spark.pid_of(-1), signal.SIGKILL)
    done = job.ended()
    spark.add_worker()
    assert done.code == 0, done.err
    assert_whole(beats, tmp_path / "out")
    spark.await_workers(2)


def test_a_cluster_without_room_is_told(beats, worker_command, environ, tmp_path):
    with local_cluster("spark", tmp_path / "cluster", workers=0, environ=environ) as empty:
        flags = on("spark", empty, worker_command, "--assume-shared")
        done = score(beats, tmp_path / "out", environ, *flags).ended()
    assert done.code == 6, done.err
    [sentence] = done.sentences
    assert "no free cores" in sentence
    await_none(JOB_SERVER)


def test_what_does_not_speak_as_this_sparks_master_is_told(beats, worker_command, environ, tmp_path):
    with fake_flink() as (address, _):
        flags = on("spark", SimpleNamespace(address=address), worker_command, "--assume-shared")
        done = score(beats, tmp_path / "out", environ, *flags).ended()
    assert done.code == 6, done.err
    [sentence] = done.sentences
    assert "Spark's master does not take the job" in sentence
    await_none(JOB_SERVER)
