"""A job on Flink or Spark: job server, options, the job, and an end to all of them."""

from __future__ import annotations

import logging
import sys
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from components.errors import EnvironmentRefused
from components.score.engines.address import Engine
from components.score.engines.flink import cancel_flink_job, flink_options
from components.score.engines.job_server import JobServer, check_listens, job_server, spark_jar
from components.score.engines.runner import option
from components.score.engines.spark import check_room, driver_options, spark_options
from components.score.model import ModelPlace
from components.score.shard import ShardTask

WORKER: Final = "heartbeat-worker"
"""The console script that workers run."""


@dataclass(frozen=True)
class EngineJob:
    """How a job is to run on an engine.

    Attributes:
        engine: Flink or Spark.
        job_endpoint: of a job server that runs already; None to start one.
        worker_command: path of what runs a worker, on the workers' machines; None where it is on this one.
        workers: slots or cores to use; None for all that are free.
        options: of the user, for Beam.
    """

    engine: Engine
    job_endpoint: str | None
    worker_command: str | None
    workers: int | None
    options: Sequence[str]


def own_worker() -> str:
    """Path of the worker's program in this environment: clusters of one image have it at the same place."""
    return str(Path(sys.executable).with_name(WORKER))


def run_on_engine(
    asked: EngineJob, model: ModelPlace, tasks: Sequence[ShardTask], follow: Callable[[], object]
) -> list[str]:
    """Scores every shard on an engine and returns when all have ended.

    Args:
        asked: where, and how.
        model: to score with.
        tasks: the shards.
        follow: called about twice a second meanwhile.

    Returns:
        Sentences about what went wrong with the job as a whole.

    Raises:
        EnvironmentRefused: the engine or the job server is not reached, has no room, or is of another version.
    """
    name = f"heartbeat-score-{uuid.uuid4().hex[:8]}"
    before = engine_options(asked, len(tasks))
    spark = driver_options(asked.workers, len(tasks)) if asked.engine.kind == "spark" else []
    with job_server(asked.engine, asked.job_endpoint, spark) as server:
        from components.score.beam import Submission, run_on_beam  # takes seconds, in which the job server starts

        options = [f"--job_endpoint={server.endpoint}", f"--job_name={name}", *before, *asked.options]
        ended = False
        try:
            submission = Submission(tasks, model, 0, options, server.told, server.await_ready)
            troubles = run_on_beam(submission, _watching(asked, server, follow))
            ended = True
        finally:
            if not ended:
                _stop(asked.engine, name)
        return troubles


def engine_options(asked: EngineJob, shards: int) -> list[str]:
    """Beam options of a job, less what is known only when its job server runs.

    Without the experiment Beam would list this environment with pip, for nobody to read.

    Raises:
        EnvironmentRefused: the engine is not reached, has no room, or is of another version.
    """
    address = asked.engine.address
    if asked.engine.kind == "flink":
        special = flink_options(address, asked.workers, shards, asked.options, asked.job_endpoint is None)
    else:
        check_listens(address, "Spark master", "check that it runs and that this is its port")
        special = spark_options(asked.options, spark_jar() if asked.job_endpoint is None else None)
    options = ["--runner=PortableRunner", "--experiments=disable_logging_submission_environment", *special]
    if option(asked.options, "environment_type") is None:
        command = asked.worker_command or own_worker()
        options += ["--environment_type=PROCESS", f"--environment_option=process_command={command}"]
    return options


def _watching(asked: EngineJob, server: JobServer, follow: Callable[[], object]) -> Callable[[], None]:
    def look() -> None:
        follow()
        server.check()
        if asked.engine.kind == "spark":
            check_room(asked.engine.address, server.told())

    return look


def _stop(engine: Engine, name: str) -> None:
    """Spark's jobs end with their driver, the job server; Flink's live in the cluster."""
    if engine.kind != "flink":
        return
    try:
        cancel_flink_job(engine.address, name)
    except EnvironmentRefused as error:
        logging.warning("the job %s was not cancelled: %s", name, error)
