"""Flink: whether a cluster can take a job now, and the Beam options of the job."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from components.errors import EnvironmentRefused
from components.score.engines.flink_rest import flink_overview, flink_says
from components.score.engines.runner import unless_given

VERSION: Final = "1.19."
"""Of Flink, that the job server which `make engines` fetches is made for."""

ENDED: Final = frozenset({"FINISHED", "CANCELED", "FAILED"})
"""States of a job that never runs again."""

CANCEL_SECONDS: Final = 30.0
CANCEL_LOOK_SECONDS: Final = 0.2
"""How long a job may take to stop, and how often that is looked at."""


def flink_options(address: str, workers: int | None, shards: int, given: Sequence[str], own_server: bool) -> list[str]:
    """Beam options for a job on a cluster; those that are given stay as they are.

    Args:
        address: `HOST:PORT` of the REST interface.
        workers: slots to use; None for all that are free.
        shards: of the job.
        given: options of the user.
        own_server: whether the job server is the one we start, which fits one version of Flink.

    Raises:
        EnvironmentRefused: the cluster is not reached, is of another version, or has too few free slots.
    """
    cluster = flink_overview(address)
    if own_server and not cluster.version.startswith(VERSION):
        raise EnvironmentRefused(
            f"Flink at {address} is {cluster.version}, the job server is for {VERSION}x: name one for its version with "
            "--job-endpoint."
        )
    if cluster.free < (workers or 1):
        raise EnvironmentRefused(
            f"Flink at {address} has {cluster.free} free slots of {cluster.slots} ({cluster.running} jobs run), "
            f"{workers or 1} wanted: wait, add TaskManagers, or ask for fewer with --workers."
        )
    defaults = {
        "parallelism": min(workers or cluster.free, shards),
        "sdk_worker_parallelism": -(-cluster.slots // cluster.task_managers),
    }
    return unless_given(defaults, given)


def cancel_flink_job(address: str, name: str) -> None:
    """Stop the jobs of a name, and return when their slots are free.

    Beam's own request ends the job server's wait, not always the job.

    Raises:
        EnvironmentRefused: the cluster is not reached, or does not stop a job in time.
    """
    for job in _unended(address, name):
        flink_says(address, f"/jobs/{job}?mode=cancel", "PATCH")
    deadline = time.monotonic() + CANCEL_SECONDS
    while left := _unended(address, name):
        if time.monotonic() > deadline:
            raise EnvironmentRefused(f"Flink at {address} has not stopped it within {CANCEL_SECONDS:.0f} s: {left}.")
        time.sleep(CANCEL_LOOK_SECONDS)


def _unended(address: str, name: str) -> list[str]:
    """Flink's identifiers of the jobs of a name that hold slots or wait for some."""
    jobs = flink_says(address, "/jobs/overview")["jobs"]
    return [job["jid"] for job in jobs if job["name"] == name and job["state"] not in ENDED]
