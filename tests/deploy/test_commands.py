"""What the pods run exists, and understands what it is told: each command is tried with the real one behind it."""

import importlib.util
import inspect
import os
import re
import stat
import subprocess
from pathlib import Path

import click
import pytest

from pipeline.cli import heartbeat
from tests.deploy.manifests import CONTAINERS, PODS, VOLUME, named, read

TOP = Path(__file__).parents[2]
PLACES = named("ConfigMap", "heartbeat-places")["data"]
NIGHT = "heartbeat-nightly-29402070"
"""A job's name as Kubernetes makes it: minutes since 1970 of the planned time, here 2025-11-26 02:30 UTC."""


def said(folder, job, places):
    """What the nightly job's script calls, as the words of `heartbeat`."""
    stand_in = folder / "heartbeat"
    stand_in.write_text('#!/bin/sh\nfor word in "$@"; do echo "$word"; done\n')
    stand_in.chmod(stand_in.stat().st_mode | stat.S_IXUSR)
    box = CONTAINERS["heartbeat-nightly/score"]
    environ = {"PATH": f"{folder}:{os.environ['PATH']}", "JOB_NAME": job, **places}
    done = subprocess.run([*box["command"], *box["args"]], env=environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


def parsed(words):
    name, *rest = words
    with heartbeat.get_command(click.Context(heartbeat), name).make_context(name, rest) as context:
        return context.params


def test_the_nightly_job_scores_the_day_before_its_planned_time(tmp_path):
    code, words = said(tmp_path, NIGHT, PLACES)
    assert code == 0
    told = parsed(words)
    assert told["inputs"] == ("s3://beats/incoming/2025-11-25/*.csv",)
    assert told["output"] == "s3://beats/scored/2025-11-25"
    assert told["serving"] == "s3://beats/serving"
    assert told["resume"]
    assert not told["overwrite"]


def test_the_nightly_job_runs_on_the_cluster_that_is_there(tmp_path):
    told = parsed(said(tmp_path, NIGHT, PLACES)[1])
    for flag, scheme in (("on", "flink://"), ("job_endpoint", "")):
        host, port = told[flag].removeprefix(scheme).split(":")
        assert int(port) in [each["port"] for each in named("Service", host)["spec"]["ports"]]
    [pool] = [port["containerPort"] for port in CONTAINERS["heartbeat-flink-taskmanager/workers"]["ports"]]
    assert told["beam_options"] == (
        "--environment_type=EXTERNAL",
        f"--environment_config=localhost:{pool}",
    )


def test_with_a_volume_it_names_the_folders_where_it_is_mounted(tmp_path):
    [patch] = read(VOLUME / "places.yaml")
    told = parsed(said(tmp_path, NIGHT, {name: value for name, value in patch["data"].items() if value})[1])
    assert told["assume_shared"]
    [mounted] = [
        mount["mountPath"]
        for document in read(VOLUME / "nightly-scoring.yaml")
        for box in document["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        for mount in box["volumeMounts"]
    ]
    assert all(told[name].startswith(f"{mounted}/") for name in ("output", "serving"))


@pytest.mark.parametrize("job", ["by-hand", "heartbeat-nightly"])
def test_a_job_without_a_time_in_its_name_ends_before_it_scores(tmp_path, job):
    code, words = said(tmp_path, job, PLACES)
    assert (code, words) == (2, [])


def test_exit_codes_that_no_second_attempt_mends_end_the_job():
    job = named("CronJob", "heartbeat-nightly")["spec"]["jobTemplate"]["spec"]
    [rule] = [rule for rule in job["podFailurePolicy"]["rules"] if rule["action"] == "FailJob"]
    assert rule["onExitCodes"]["values"] == [2, 3]
    assert rule["onExitCodes"]["containerName"] in [
        box["name"] for box in PODS["heartbeat-nightly"]["spec"]["containers"]
    ]


def test_the_pools_command_is_one_that_the_image_has():
    from apache_beam.runners.worker import worker_pool_main

    box = CONTAINERS["heartbeat-flink-taskmanager/workers"]
    assert box["command"] == ["python", "-m", worker_pool_main.__name__]
    flags = dict(flag.split("=") for flag in box["args"])
    assert all(f"'{flag}'" in inspect.getsource(worker_pool_main.main) for flag in flags)
    folder, _, program = flags["--container_executable"].rpartition("/")
    module = re.search(rf'"{program} = ([\w.]+):(\w+)"', (TOP / "setup.py").read_text())
    assert importlib.util.find_spec(module[1]) is not None
    assert f"ENV PATH={folder}:" in (TOP / "Dockerfile").read_text()
