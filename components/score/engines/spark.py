"""Spark: what the driver, which is the job server, is told, and what it says when the cluster takes no job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from components.errors import EnvironmentRefused
from components.score.engines.runner import unless_given

PARTITIONS: Final = 1000
"""Most tasks of a job: up to it each shard is one, so that Spark spreads them as workers become free."""

NO_ROOM: Final = "Initial job has not accepted any resources"
"""What Spark says, every 15 s, while no worker has room for a job."""

GRANTED: Final = "Granted executor ID"
"""What it says of each executor that a worker has room for; its start may take a while."""

PATIENCE: Final = 2
"""How often it may say so: a cluster that is merely slow says it once."""


KEEP_SECONDS: Final = 60
"""How long an executor keeps a worker process that has nothing to do: Beam would end it after every task, and the next
one would begin with seconds of imports."""


def driver_options(workers: int | None, shards: int) -> list[str]:
    """Settings of Spark as options of the driver's virtual machine.

    Args:
        workers: cores to use; None for all.
        shards: of the job.
    """
    settings = {"spark.default.parallelism": min(shards, PARTITIONS), "spark.ui.showConsoleProgress": "false"}
    if workers is not None:
        settings["spark.cores.max"] = workers
    return [f"-D{name}={value}" for name, value in settings.items()]


def spark_options(given: Sequence[str], jar: Path | None) -> list[str]:
    """Beam options for a job; those that are given stay as they are.

    Args:
        given: options of the user.
        jar: all that executors need beside Spark's own classes, if the job server is ours: of itself it would have them
            fetch its whole class path, Spark and all.
    """
    defaults = {"environment_cache_millis": str(KEEP_SECONDS * 1000)}
    if jar is not None:
        defaults["files_to_stage"] = str(jar)
    return unless_given(defaults, given)


def check_room(address: str, told: str) -> None:
    """Refuse a cluster that has no room for a job.

    Args:
        address: `HOST:PORT` of the master.
        told: what the driver has written.

    Raises:
        EnvironmentRefused: it has no room.
    """
    if GRANTED not in told and told.count(NO_ROOM) >= PATIENCE:
        raise EnvironmentRefused(
            f"Spark at {address} has no free cores or memory for the job: wait until other applications have ended or "
            "add workers, then go on with --resume."
        )
