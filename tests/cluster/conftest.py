"""Clusters of this machine, an object store, a model and beats; all gone with the tests, also when those are killed."""

import os
import shutil
import sys

import pytest

from tests.cluster.jobs import FILES, SESSION, Beats, Job, score
from tests.s3_server import s3_server
from tests.score.conftest import saved_model  # noqa: F401 - a fixture
from tests.score.jobs import write_csv
from tools.local_cluster import local_cluster

DISTINCT, ROWS = 3, 1000
BUCKET = "beats"


@pytest.fixture(scope="session")
def s3():
    with s3_server() as server:
        server.client().create_bucket(Bucket=BUCKET)
        yield server


@pytest.fixture(scope="session")
def worker_command(tmp_path_factory):
    """What heartbeat-worker is where heartbeat is installed."""
    script = tmp_path_factory.mktemp("bin") / "heartbeat-worker"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -W ignore -m components.score.engines.worker "$@"\n')
    script.chmod(0o755)
    return script


@pytest.fixture(scope="session")
def environ(s3):
    """Of the engines' processes: the way to the store, which their workers inherit."""
    name, _, value = SESSION.partition("=")
    return {**os.environ, **s3.environ, name: value}


@pytest.fixture(autouse=True)
def _jobs_end_with_their_test():
    yield
    Job.end_all()


@pytest.fixture(scope="module")
def flink(environ, tmp_path_factory):
    with local_cluster("flink", tmp_path_factory.mktemp("flink") / "cluster", 2, 1, environ=environ) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def spark(environ, tmp_path_factory):
    with local_cluster("spark", tmp_path_factory.mktemp("spark") / "cluster", 2, 1, environ=environ) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def beats(saved_model, tmp_path_factory, environ):  # noqa: F811
    """Inputs of many shards, with a bad row in each, and what the local runner makes of them."""
    top = tmp_path_factory.mktemp("beats")
    (top / "in").mkdir()
    for at in range(DISTINCT):
        path = top / f"{at}.csv"
        write_csv(path, ROWS, seed=at)
        with path.open("a") as file:
            file.write("no,beat\n")
    for at in range(FILES):
        shutil.copyfile(top / f"{at % DISTINCT}.csv", top / "in" / f"{at:02d}.csv")
    unbroken = Beats(f"{top}/in/*.csv", saved_model.uri, top / "unbroken", FILES * ROWS, FILES)
    done = score(unbroken, unbroken.unbroken, environ, "--workers", "1").ended()
    assert done.code == 0, done.err
    return unbroken
