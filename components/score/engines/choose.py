"""The engine that a user's flags or settings name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from components.errors import UsageError
from components.score.engines.engine import BeamRunner, Engine, names_runner

ADDRESS: Final = re.compile(r"(flink|spark)://([A-Za-z0-9._-]+:[0-9]{1,5})/?")


def choose_engine(
    on: str | None,
    options: Sequence[str] = (),
    *,
    workers: int | None = None,
    job_endpoint: str | None = None,
    worker_command: str | None = None,
    assume_shared: bool = False,
    shares_process: bool = True,
) -> Engine:
    """Return the engine to run a job on.

    Args:
        on: `flink://HOST:8081`, `spark://HOST:7077` or `dataflow`; None for this machine, or the runner in `options`.
        options: Beam options.
        workers: most processes on this machine, slots of Flink, cores of Spark, or machines of Dataflow.
        job_endpoint: `HOST:PORT` of a running Beam job server; None to start one.
        worker_command: path of heartbeat-worker on the engine's machines; None if it is the same as on this one.
        assume_shared: whether local paths are mounted at the same place on all machines.
        shares_process: whether a single worker on this machine may be this process.

    Raises:
        UsageError: `on` names no engine, or flags contradict one another.
    """
    if on is None:
        if job_endpoint or worker_command:
            raise UsageError("--job-endpoint and --worker-command belong to --on flink://... or --on spark://...")
        return BeamRunner(workers, options, shares_process, assume_shared)
    address = ADDRESS.fullmatch(on)
    if address is None and on != "dataflow":
        raise UsageError(
            f"--on {on}: name flink://HOST:8081 (the port of Flink's REST interface), spark://HOST:7077 (the port of "
            "Spark's master) or dataflow."
        )
    if names_runner(options):
        raise UsageError("--on names the runner: leave --runner out, or leave --on out and give all options.")
    if address is None:
        from components.score.engines.dataflow import Dataflow

        return Dataflow(options, workers)
    if address[1] == "flink":
        from components.score.engines.flink import Flink

        return Flink(address[2], options, workers, job_endpoint, worker_command, assume_shared)
    from components.score.engines.spark import Spark

    return Spark(address[2], options, workers, job_endpoint, worker_command, assume_shared)
