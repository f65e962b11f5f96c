"""The interface of an engine, the default one with Beam's own runners, Beam options, and known failures."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from components.errors import EnvironmentRefused, UsageError
from components.io.storage import is_remote, local_path
from components.score.model import RELEASED

LOCAL_RUNNERS: Final = (
    "DirectRunner",
    "BundleBasedDirectRunner",
    "SwitchingDirectRunner",
    "FnApiRunner",
    "PrismRunner",
)
"""Runners, by the last part of their names, whose workers are processes or threads of this machine."""

LOCAL_OPTIONS: Final = re.compile(r"--(no_)?(runner|direct_\w+|\w*type_check|experiments?|profile_\w+|pickle_library)")
"""Beam options that its local runner reads; it ignores all others, those of environments and clusters among them."""


@dataclass(frozen=True)
class Session:
    """An engine while a job runs on it."""

    options: Sequence[str]  # all Beam options of the job
    # worker processes of Beam's local runner; 0 scores in this process; not used if a runner is named
    processes: int = 0
    await_ready: Callable[[], None] = lambda: None  # returns when the job can be submitted
    # raises EnvironmentRefused if the engine is gone or has no room; called twice a second during the job
    check: Callable[[], None] = lambda: None
    log: Callable[[], str] = str  # returns what the engine has written about the job


class Engine(Protocol):
    """Something that runs Beam jobs."""

    def check_paths(self, inputs: Sequence[str], output: str, model: str) -> None:
        """Refuse paths that the workers cannot be expected to see.

        Raises:
            UsageError: there is such a path.
        """

    def beam_options(self, shards: int) -> list[str]:
        """Return the Beam options of a job of so many shards.

        Raises:
            UsageError: options are missing, malformed or unknown.
            EnvironmentRefused: the engine is not reached, has no room, or is of another version.
        """

    def session(self, shards: int) -> AbstractContextManager[Session]:
        """Open the engine for one job, and stop what is left of the job at the end.

        Raises:
            UsageError: as `beam_options`.
            EnvironmentRefused: as `beam_options`, or the engine is lost while the job runs.
        """


@dataclass(frozen=True)
class BeamRunner:
    """Beam's local runner, or whichever runner the options name."""

    processes: int | None  # most worker processes of the local runner; None for one a core
    options: Sequence[str]  # the user's Beam options
    # whether a single worker may be this process; not where TensorFlow is already in use in it
    shares_process: bool = True
    assume_shared: bool = False  # whether local paths are mounted at the same place on all workers of a named runner

    def check_paths(self, inputs: Sequence[str], output: str, model: str) -> None:
        """Refuse local paths if the named runner's workers may be on other machines."""
        if is_elsewhere(self.options):
            check_visible(inputs, output, model, self.assume_shared)

    def beam_options(self, shards: int) -> list[str]:
        """Return the user's options; refuse those that Beam's local runner would ignore."""
        check_not_ignored(self.options)
        return list(self.options)

    @contextmanager
    def session(self, shards: int) -> Iterator[Session]:
        """Say how many processes a job of so many shards gets."""
        processes = min(self.processes or os.cpu_count() or 1, shards)
        yield Session(self.beam_options(shards), 0 if processes == 1 and self.shares_process else processes)


def check_visible(inputs: Sequence[str], output: str, model: str, assume_shared: bool) -> None:
    """Refuse paths that workers on other machines cannot be expected to see, with UsageError."""
    named = [*(("--input", path) for path in inputs), ("--output", output), ("the model", model)]
    local = [(what, path) for what, path in named if not (is_remote(path) or path == RELEASED)]
    if local and not assume_shared:
        raise UsageError(
            f"Workers of a cluster do not see {', '.join(f'{path} ({what})' for what, path in local)}: use s3:// or "
            "gs://, or, if every worker has the path mounted at the same place, say so with --assume-shared."
        )
    relative = [path for what, path in local if what == "--input" and not os.path.isabs(local_path(path))]
    if relative:
        raise UsageError(
            f"Workers of a cluster run in other folders: give {', '.join(relative)} by its absolute path, such "
            f"as {os.path.abspath(local_path(relative[0]))}."
        )


def check_not_ignored(options: Sequence[str]) -> None:
    """Refuse Beam options that its local runner would ignore, where that is the runner, with UsageError."""
    runner = (option(options, "runner") or "").rpartition(".")[2]
    names = [word.partition("=")[0] for word in options if word.startswith("--")]
    ignored = [name for name in names if not LOCAL_OPTIONS.fullmatch(name)]
    if ignored and runner in {"", *LOCAL_RUNNERS} - {"PrismRunner"}:  # Prism takes what clusters take
        raise UsageError(
            f"Beam's local runner ignores {', '.join(ignored)}: leave it out, or name a runner that does not, with "
            "Beam's --runner or with --on of `heartbeat score`."
        )


def option(options: Sequence[str], name: str) -> str | None:
    """Return the value of the last Beam option of a name: `--name=value` or `--name value`."""
    value = None
    for index, word in enumerate(options):
        flag, equals, text = word.partition("=")
        if flag == f"--{name}":
            value = text if equals else next(iter(options[index + 1 : index + 2]), None)
    return value


def with_defaults(defaults: Mapping[str, object], options: Sequence[str]) -> list[str]:
    """Return those defaults (name without dashes -> value) as `--name=value` that the options do not set."""
    return [f"--{name}={value}" for name, value in defaults.items() if option(options, name) is None]


def names_runner(options: Sequence[str]) -> bool:
    """Return whether Beam options name a runner."""
    return option(options, "runner") is not None


def is_elsewhere(options: Sequence[str]) -> bool:
    """Return whether workers may be on other machines or in containers, where they see neither our files nor us."""
    runner = option(options, "runner")
    if runner is None or runner.rpartition(".")[2] in LOCAL_RUNNERS:
        return False
    return option(options, "environment_type") != "LOOPBACK"


KNOWN_FAILURES: Final = (
    (
        r"NoResourceAvailable|Could not acquire the minimum required resources|Slot request bulk is not fulfillable",
        "The cluster has no free slot for the job: wait until others have ended, add workers, or ask for fewer "
        "with --workers; then continue with --resume.",
    ),
    (
        r"Heartbeat of TaskManager|TaskManager with id \S+ is no longer reachable|closed by remote task manager",
        "A TaskManager was lost and Flink does not begin the job again (its `restart-strategy` says how often it may): "
        "continue with --resume.",
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
        "The job server ended while the job ran: continue with --resume.",
    ),
    (
        r"Could not connect to BlobServer|JobManager is not reachable|Connection refused|UnknownHostException",
        "The engine can no longer be reached: check that it runs, then continue with --resume.",
    ),
)
"""Pattern in an engine's log -> what it means and what to do; the first that matches counts."""


NOT_REACHED: Final = r"Connection refused|UNAVAILABLE|Unable to resolve host|connection timed out|Failed to connect"
"""What Java's and Python's gRPC say of an address where nothing answers."""


def worker_pool(options: Sequence[str]) -> str | None:
    """Return the address, `HOST:PORT`, of the worker pool beside each of the engine's machines; None without one."""
    if option(options, "environment_type") != "EXTERNAL":
        return None
    named = option(options, "environment_option") or ""
    service = named.partition("external_service_address=")[2].partition(",")[0]
    return service or option(options, "environment_config")


def pool_refusal(log: str, pool: str | None) -> EnvironmentRefused | None:
    """Return the refusal for a log that says a worker pool is not reached; else None.

    Of such an error a job server tells the innermost cause alone, which has no address; errors of reaching the engine
    have one.
    """
    if pool is None:
        return None
    host, _, port = pool.rpartition(":")
    address = rf":{re.escape(port)}\b|resolve host {re.escape(host)}"
    lines = [line for line in log.splitlines() if re.search(NOT_REACHED, line)]
    without_address = [line for line in lines if re.search(r"ConnectException: .*refused\s*$", line)]
    with_address = [line for line in lines if re.search(r"/[\d.]+:\d+|ipv[46]:", line)]
    if any(re.search(address, line) for line in lines) or (without_address and not with_address):
        return EnvironmentRefused(
            f"No worker pool answers at {pool}, as the cluster's machines see it: start one beside each of them "
            "(docs/flink.md), or name its address in --environment_config; then continue with --resume."
        )
    return None


def environment_refusal(log: str, pool: str | None = None) -> EnvironmentRefused | None:
    """Return the refusal for the end of an engine's log, or for an error; None if it is not the environment's.

    `pool` is the address of the job's worker pool.
    """
    if (refused := pool_refusal(log, pool)) is not None:
        return refused
    for pattern, sentence in KNOWN_FAILURES:
        if match := re.search(pattern, log):
            line = log[match.start() :].splitlines()[0]
            return EnvironmentRefused(f"{sentence} ({line.strip()[:200]})")
    return None
