"""Spark: the configuration of the driver, which is the job server, and what it logs when the cluster takes no job."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from components.errors import EnvironmentRefused
from components.score.engines.engine import with_defaults
from components.score.engines.job_server import HEAP, check_listens, class_path, engines_folder, java_command
from components.score.engines.portable import PortableEngine

HOME: Final = "spark-3.5.3"
"""Folder of Spark itself below the engines' folder."""

PARTITIONS: Final = 1000
"""Most tasks of a job: up to it each shard is one, so that Spark spreads them as workers become free."""

NO_ROOM: Final = "Initial job has not accepted any resources"
"""What Spark logs, every 15 s, while no worker has room for a job."""

GRANTED: Final = "Granted executor ID"
"""What it logs of each executor that a worker has room for; its start may take a while."""

PATIENCE: Final = 2
"""How often it may log NO_ROOM: a cluster that is merely slow does so once."""

KEEP_SECONDS: Final = 60
"""How long an executor keeps an idle worker process. Beam would end it after every task, and each task would begin with
seconds of imports."""


class Spark(PortableEngine):
    """A standalone Spark cluster; `address` is that of its master."""

    def engine_options(self, shards: int) -> list[str]:
        """Return what executors fetch and keep.

        Without `files_to_stage` our job server would have them fetch its whole class path, Spark and all.
        """
        check_listens(self.address, "Spark master", "check that it runs and that this is its port")
        defaults = {"environment_cache_millis": str(KEEP_SECONDS * 1000)}
        if self.job_endpoint is None:
            defaults["files_to_stage"] = str(spark_jar())
        return with_defaults(defaults, self.options)

    def server_command(self, shards: int, arguments: Sequence[str]) -> list[str]:
        """Return the command of Beam's job server for Spark, with Spark's settings as options of its JVM."""
        settings = {"spark.default.parallelism": min(shards, PARTITIONS), "spark.ui.showConsoleProgress": "false"}
        if self.workers is not None:
            settings["spark.cores.max"] = self.workers
        options = [f"-D{name}={value}" for name, value in settings.items()]
        driver = "org.apache.beam.runners.spark.SparkJobServerDriver"
        own = [f"--spark-master-url=spark://{self.address}", *arguments]
        return java_command(spark_class_path(), driver, own, HEAP, options)

    def check(self, server_log: Callable[[], str], job_name: str) -> None:
        """Refuse a cluster that has no free cores or memory."""
        log = server_log()
        if GRANTED not in log and log.count(NO_ROOM) >= PATIENCE:
            raise EnvironmentRefused(
                f"Spark at {self.address} has no free cores or memory for the job: wait until other applications have "
                "ended or add workers, then continue with --resume."
            )

    def cancel(self, job_name: str) -> None:
        """Do nothing: Spark ends a job with its driver, which is the job server."""


def spark_jar() -> Path:
    """Return the path of Beam's part of a Spark job, where `make engines` puts it."""
    return engines_folder() / "spark" / "job-server.jar"


def spark_class_path() -> str:
    """Return the driver's class path.

    Beam's jar is before Spark's, whose Guava is too old for it; but Spark's SLF4J is first, or the driver logs nothing.

    Raises:
        EnvironmentRefused: one of the folders is not there, or is of an earlier version.
    """
    path = class_path("spark", f"{HOME}/jars")
    if not spark_jar().is_file():
        raise EnvironmentRefused(
            f"{spark_jar().parent} is of an earlier version of heartbeat: remove it and run `make engines`."
        )
    return os.pathsep.join([*map(str, sorted((engines_folder() / HOME / "jars").glob("slf4j-api-*.jar"))), path])
