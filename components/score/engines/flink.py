"""Flink: whether a cluster can take a job now, the job's Beam options, and its end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from components.errors import EnvironmentRefused
from components.score.engines.engine import pool_refusal, with_defaults, worker_pool
from components.score.engines.job_server import HEAP, class_path, java_command
from components.score.engines.portable import PortableEngine

VERSION: Final = "1.19."
"""Of Flink, that the job server which `make engines` fetches is made for."""

ENDED: Final = frozenset({"FINISHED", "CANCELED", "FAILED"})
"""States of a job that never runs again."""

ANSWER_SECONDS: Final = 10.0
"""How long Flink may take to answer a request."""

CANCEL_SECONDS: Final = 30.0
CANCEL_POLL_SECONDS: Final = 0.2
"""How long a job may take to stop, and how often that is checked."""

POOL_SECONDS: Final = 60.0
POOL_PATIENCE: Final = 3
"""How often in so many seconds a job may fail for its worker pool: one may be starting, or starting again."""


class Flink(PortableEngine):
    """A Flink cluster; `address` is that of its REST interface."""

    def engine_options(self, shards: int) -> list[str]:
        """Return how parallel the job is; refuse a cluster of another version, or with too few free slots."""
        cluster = flink_overview(self.address)
        if self.job_endpoint is None and not cluster.version.startswith(VERSION):
            raise EnvironmentRefused(
                f"Flink at {self.address} is {cluster.version}, the job server is for {VERSION}x: name one for its "
                "version with --job-endpoint."
            )
        if cluster.free < (self.workers or 1):
            raise EnvironmentRefused(
                f"Flink at {self.address} has {cluster.free} free slots of {cluster.slots} ({cluster.running} jobs "
                f"run), {self.workers or 1} wanted: wait, add TaskManagers, or ask for fewer with --workers."
            )
        defaults = {
            "parallelism": min(self.workers or cluster.free, shards),
            "sdk_worker_parallelism": -(-cluster.slots // cluster.task_managers),
        }
        return with_defaults(defaults, self.options)

    def server_command(self, shards: int, arguments: Sequence[str]) -> list[str]:
        """Return the command of Beam's job server for Flink."""
        driver = "org.apache.beam.runners.flink.FlinkJobServerDriver"
        return java_command(class_path("flink"), driver, [f"--flink-master={self.address}", *arguments], HEAP)

    def check(self, server_log: Callable[[], str], job_name: str) -> None:
        """Refuse worker pools that are not reached, for Flink may begin such a job again without end."""
        if (pool := worker_pool(self.options)) is None:
            return
        refusals: list[EnvironmentRefused] = []
        with suppress(EnvironmentRefused):  # an answer that does not come says nothing of the pools
            for job in _unended(self.address, job_name):
                failures = flink_rest(self.address, f"/jobs/{job}/exceptions")["exceptionHistory"]["entries"]
                latest = max([failure["timestamp"] for failure in failures], default=0)  # ms, by the cluster's clock
                recent = [failure for failure in failures if latest - failure["timestamp"] < 1000 * POOL_SECONDS]
                refusals += filter(None, [pool_refusal(failure["stacktrace"], pool) for failure in recent])
        if len(refusals) >= POOL_PATIENCE:
            raise refusals[0]

    def cancel(self, job_name: str) -> None:
        """Cancel the job, which lives in the cluster and not in the job server."""
        try:
            cancel_flink_job(self.address, job_name)
        except EnvironmentRefused as error:
            logging.warning("the job %s was not cancelled: %s", job_name, error)


@dataclass(frozen=True)
class FlinkOverview:
    """A cluster's version, number of TaskManagers, slots, slots that no job holds, and running jobs."""

    version: str
    task_managers: int
    slots: int
    free: int
    running: int


def flink_overview(address: str) -> FlinkOverview:
    """Return what a cluster says of itself.

    Raises:
        EnvironmentRefused: nothing answers there, or it is not Flink.
    """
    overview = flink_rest(address, "/overview")
    names = ("flink-version", "taskmanagers", "slots-total", "slots-available", "jobs-running")
    try:
        return FlinkOverview(*(overview[name] for name in names))
    except (KeyError, TypeError) as error:
        raise EnvironmentRefused(f"What answers at {address} is not Flink: check the address.") from error


def flink_rest(address: str, path: str, method: str = "GET") -> Any:
    """Return the JSON that Flink's REST interface at an address, `HOST:PORT`, answers to a request.

    Raises:
        EnvironmentRefused: nothing answers there, or it is not Flink.
    """
    import requests

    try:
        answer = requests.request(method, f"http://{address}{path}", timeout=ANSWER_SECONDS)
        answer.raise_for_status()
        return answer.json()
    except (requests.RequestException, ValueError) as error:
        raise EnvironmentRefused(
            f"Flink does not answer at {address} ({_reason(error)}): check that the JobManager runs and that this is "
            "its REST port."
        ) from error


def _reason(error: BaseException) -> str:
    """Return what the system said, in place of the layers around it."""
    cause: BaseException | None = error
    while cause is not None:
        if getattr(cause, "strerror", None):
            return str(cause.strerror)  # type: ignore[attr-defined]
        cause = cause.__cause__ or cause.__context__
    return str(error)


def cancel_flink_job(address: str, name: str) -> None:
    """Stop the jobs of a name, and return when their slots are free.

    Beam's own request ends the job server's wait, not always the job.

    Raises:
        EnvironmentRefused: the cluster is not reached, or does not stop a job in time.
    """
    for job in _unended(address, name):
        flink_rest(address, f"/jobs/{job}?mode=cancel", "PATCH")
    deadline = time.monotonic() + CANCEL_SECONDS
    while running := _unended(address, name):
        if time.monotonic() > deadline:
            raise EnvironmentRefused(f"Flink at {address} has not stopped it within {CANCEL_SECONDS:.0f} s: {running}.")
        time.sleep(CANCEL_POLL_SECONDS)


def _unended(address: str, name: str) -> list[str]:
    """Return Flink's identifiers of the jobs of a name that hold slots or wait for some."""
    jobs = flink_rest(address, "/jobs/overview")["jobs"]
    return [job["jid"] for job in jobs if job["name"] == name and job["state"] not in ENDED]
