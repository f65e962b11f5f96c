"""A job on Flink or Spark: Beam's job server for it, worker programs on the engine's machines, and an end to both."""

from __future__ import annotations

import sys
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from components.score.engines.engine import Session, check_visible, option
from components.score.engines.job_server import job_server

WORKER: Final = "heartbeat-worker"
"""The console script that workers run."""

LOOK_SECONDS: Final = 5.0
"""How often an engine is looked at while a job runs."""


def own_worker() -> str:
    """Return the path of heartbeat-worker in this environment; on a cluster of one image it is the same everywhere."""
    return str(Path(sys.executable).with_name(WORKER))


@dataclass(frozen=True)
class PortableEngine(ABC):
    """An engine that takes jobs through a Beam job server."""

    address: str  # `HOST:PORT` of the engine
    options: Sequence[str] = ()  # the user's Beam options, which go before ours
    workers: int | None = None  # slots or cores to use; None for all that are free
    job_endpoint: str | None = None  # `HOST:PORT` of a running job server; None to start one for the job
    # path of heartbeat-worker on the engine's machines; None if it is the same as on this one
    worker_command: str | None = None
    assume_shared: bool = False  # whether local paths are mounted at the same place on all machines

    @abstractmethod
    def engine_options(self, shards: int) -> list[str]:
        """Return the engine's own Beam options, those that the user gave left out.

        Raises:
            EnvironmentRefused: the engine is not reached, has no room, or is of another version.
        """

    @abstractmethod
    def server_command(self, shards: int, arguments: Sequence[str]) -> list[str]:
        """Return the command that runs a job server for this engine.

        Raises:
            EnvironmentRefused: Java or a class path is missing.
        """

    @abstractmethod
    def check(self, server_log: Callable[[], str], job_name: str) -> None:
        """Look at the engine while a job runs.

        Raises:
            EnvironmentRefused: it has no room for the job, or does not reach its worker pools.
        """

    @abstractmethod
    def cancel(self, job_name: str) -> None:
        """Stop what is left of a job on the engine; what goes wrong is only logged."""

    def check_paths(self, inputs: Sequence[str], output: str, model: str) -> None:
        """Refuse local paths, unless they are mounted everywhere."""
        check_visible(inputs, output, model, self.assume_shared)

    def beam_options(self, shards: int) -> list[str]:
        """Return the Beam options of a job, less those that are known only when its job server runs.

        Without the experiment Beam would run pip to list this environment for the job server's log.
        """
        special = self.engine_options(shards)
        options = ["--runner=PortableRunner", "--experiments=disable_logging_submission_environment", *special]
        if option(self.options, "environment_type") is None:
            command = self.worker_command or own_worker()
            options += ["--environment_type=PROCESS", f"--environment_option=process_command={command}"]
        return [*options, *self.options]

    @contextmanager
    def session(self, shards: int) -> Iterator[Session]:
        """Start a job server, or check the one named; cancel the job if it is left before its end."""
        name = f"heartbeat-score-{uuid.uuid4().hex[:8]}"
        options = self.beam_options(shards)
        looked = 0.0

        def look() -> None:
            nonlocal looked
            server.check()
            if time.monotonic() - looked >= LOOK_SECONDS:
                looked = time.monotonic()
                self.check(server.log, name)

        with job_server(self.job_endpoint, partial(self.server_command, shards)) as server:
            own = [f"--job_endpoint={server.endpoint}", f"--job_name={name}"]
            try:
                yield Session([*own, *options], 0, server.await_ready, look, server.log)
            except BaseException:
                self.cancel(name)
                raise
