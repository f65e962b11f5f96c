"""What an engine means by its errors: a sentence with what to do, for those that are the environment's."""

from __future__ import annotations

import re
from typing import Final

from components.errors import EnvironmentRefused

KNOWN: Final = (
    (
        r"NoResourceAvailable|Could not acquire the minimum required resources|Slot request bulk is not fulfillable",
        "The cluster has no free slot for the job: wait until others have ended, add workers, or ask for fewer "
        "with --workers; then go on with --resume.",
    ),
    (
        r"Heartbeat of TaskManager|TaskManager with id \S+ is no longer reachable|closed by remote task manager",
        "A TaskManager was lost and Flink does not begin the job again (its `restart-strategy` says how often it may): "
        "go on with --resume.",
    ),
    (
        r"InvalidClassException|serialVersionUID|UnsupportedClassVersionError|NoSuchMethodError|ClassNotFoundException",
        "The cluster and the job server are of different versions: use those that docs/flink.md and docs/spark.md "
        "name, or name a job server made for the cluster with --job-endpoint.",
    ),
    (
        r"All masters are unresponsive",
        "Spark's master does not take the job: check that it runs and that it is of the job server's version.",
    ),
    (
        r"stopped SparkContext|SparkContext was shut down|Master removed our application",
        "Spark gave the job up, as its executors do not start or do not stay: the logs of its workers say why; then go "
        "on with --resume.",
    ),
    (
        r"Cannot run program|error=2, No such file",
        "A worker of the cluster cannot start the scoring process: install heartbeat on each of its machines, at the "
        "same path, or say with --worker-command where it is.",
    ),
    (
        r"StatusCode\.UNAVAILABLE|FutureTimeoutError|UNAVAILABLE:|Socket closed",
        "The job server went away while the job ran: go on with --resume.",
    ),
    (
        r"Could not connect to BlobServer|JobManager is not reachable|Connection refused|UnknownHostException",
        "The engine is not reached any more: check that it runs, then go on with --resume.",
    ),
)
"""Pattern in an engine's words -> sentence; the first that fits."""


def environment_refusal(log: str) -> EnvironmentRefused | None:
    """Return the refusal that an engine's words stand for; None if they are about something else.

    Args:
        log: what the engine wrote, or an error with those behind it.
    """
    for pattern, sentence in KNOWN:
        if match := re.search(pattern, log):
            line = log[match.start() :].splitlines()[0]
            return EnvironmentRefused(f"{sentence} ({line.strip()[:200]})")
    return None
