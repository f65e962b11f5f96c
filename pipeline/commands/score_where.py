"""Where a scoring job runs: in processes of this machine, on an engine, or where Beam options say."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import click

from components.errors import UsageError
from components.io.shards import Shard, SourceShard, stem_of
from components.io.sources import find_sources
from components.score.engines.address import Engine, parse_engine
from components.score.engines.runner import is_elsewhere, names_runner
from components.score.engines.submit import EngineJob, engine_options, run_on_engine
from components.score.engines.visible import check_visible
from components.score.model import ModelPlace
from components.score.run import ScoreRequest
from components.score.shard import ShardTask


@dataclass(frozen=True)
class Where:
    """The flags about where, as given.

    Attributes:
        on: an engine, or None.
        job_endpoint: of a job server that runs already.
        worker_command: path of heartbeat-worker on the engine's machines.
        assume_shared: whether local paths are mounted there.
        workers: processes, slots, cores or machines.
        options: for Beam.
    """

    on: str | None
    job_endpoint: str | None
    worker_command: str | None
    assume_shared: bool
    workers: int | None
    options: Sequence[str]

    @cached_property
    def engine(self) -> Engine | None:
        """What `--on` names.

        Raises:
            UsageError: it names nothing known.
        """
        return None if self.on is None else parse_engine(self.on)

    def check(self, request: ScoreRequest) -> None:
        """Refuse, before anything is read or written, what could not work.

        Raises:
            UsageError: flags contradict one another, options are missing, or workers do not see a path.
            EnvironmentRefused: the engine is not reached, has no room, or is of another version.
        """
        if self.engine is None and (self.job_endpoint or self.worker_command):
            raise UsageError("--job-endpoint and --worker-command belong to --on flink://... or --on spark://...")
        if self.engine is not None and names_runner(self.options):
            raise UsageError("--on names the runner: leave --runner out, or leave --on out and give all options.")
        if self.engine is not None or is_elsewhere(self.options):
            shared = self.assume_shared and (self.engine is None or self.engine.kind != "dataflow")
            check_visible(request.inputs, request.output, request.model.place, shared)
        if self.engine is not None:
            self._engine_options(1)

    def show(self, request: ScoreRequest) -> None:
        """Say on stdout what an engine would be sent; nothing where no engine is named.

        Raises:
            DataRefused: inputs are missing or cannot be read.
        """
        if self.engine is None:
            return
        tasks = _stand_ins(request)
        options = self._engine_options(len(tasks))
        if self.engine.kind == "dataflow":
            from components.score.engines.dataflow import dataflow_request

            click.echo(json.dumps(dataflow_request(tasks, request.model, options), indent=1))
            return
        server = self.job_endpoint or "one that is started for the job"
        click.echo(f"Job server: {server}\nBeam options: {' '.join([*options, *self.options])}")

    def run(self, model: ModelPlace, tasks: Sequence[ShardTask], follow: Callable[[], object]) -> list[str]:
        """Score every shard there; as `run_on_beam`."""
        if self.engine is not None and self.engine.kind != "dataflow":
            return run_on_engine(self._job(self.engine), model, tasks, follow)
        from components.score.beam import Submission, run_on_beam

        if self.engine is None:
            processes = min(self.workers or os.cpu_count() or 1, len(tasks))
            return run_on_beam(Submission(tasks, model, processes if processes > 1 else 0, self.options), follow)
        return run_on_beam(Submission(tasks, model, 0, self._engine_options(len(tasks))), follow)

    def _job(self, engine: Engine) -> EngineJob:
        return EngineJob(engine, self.job_endpoint, self.worker_command, self.workers, self.options)

    def _engine_options(self, shards: int) -> list[str]:
        assert self.engine is not None
        if self.engine.kind == "dataflow":
            from components.score.engines.dataflow import dataflow_options

            return dataflow_options(self.options, self.workers)
        return engine_options(self._job(self.engine), shards)


def _stand_ins(request: ScoreRequest) -> list[ShardTask]:
    """One shard for each 256 MiB or whatever the job cuts at: rows are counted only when the job runs."""
    tasks = []
    for index, source in enumerate(find_sources(request.inputs)):
        path, size = source.file.path, source.file.size
        for at in range(-(-size // request.settings.shard_bytes) or 1):
            start = at * request.settings.shard_bytes
            shard = Shard(path, at, start, min(size, start + request.settings.shard_bytes), 0, 0)
            piece = SourceShard(source, shard, index, stem_of(index, path, at))
            tasks.append(ShardTask("0" * 64, piece, request.output, request.settings))
    return tasks
