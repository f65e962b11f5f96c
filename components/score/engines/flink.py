"""Flink: whether a cluster can take a job now, and the Beam options of the job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from components.beats.errors import EnvironmentRefused
from components.score.engines.flink_rest import flink_overview, flink_says
from components.score.engines.runner import option

VERSION: Final = "1.19."
"""Of Flink, that the job server which `make engines` fetches is made for."""


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
    return [f"--{name}={value}" for name, value in defaults.items() if option(given, name) is None]


def cancel_flink_job(address: str, name: str) -> None:
    """Ask a cluster to stop the jobs of a name: Beam's own request ends the job server's wait, not always the job.

    Raises:
        EnvironmentRefused: the cluster is not reached.
    """
    for job in flink_says(address, "/jobs/overview")["jobs"]:
        if job["name"] == name and job["state"] not in ("FINISHED", "CANCELED", "FAILED"):
            flink_says(address, f"/jobs/{job['jid']}?mode=cancel", "PATCH")
