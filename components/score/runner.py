"""How a job's shards are run: by Beam, on the engine that the flags or settings name."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from components.io.shards import SourceShard, stem_of
from components.io.sources import find_sources
from components.score.engines.dataflow import Dataflow
from components.score.engines.engine import BeamRunner, Engine
from components.score.engines.portable import PortableEngine
from components.score.job import ShardTask
from components.score.model import ModelRef
from components.score.run import ScoreRequest


@dataclass(frozen=True)
class EngineRunner:
    """Runs shards with Beam; a `RunShards` of `components.score.run`.

    Attributes:
        engine: as `choose_engine` gives it.
    """

    engine: Engine

    def __call__(self, tasks: Sequence[ShardTask], model: ModelRef, follow: Callable[[], object]) -> list[str]:
        """Score every shard, calling `follow` about twice a second; see `run_on_beam`."""
        with self.engine.session(len(tasks)) as session:
            from components.score.beam import run_on_beam  # takes seconds, in which a job server starts

            return run_on_beam(tasks, model, session, follow)

    def check(self, request: ScoreRequest) -> None:
        """Refuse, before anything is read or written, what could not work.

        Raises:
            UsageError: options are missing, or workers do not see a path.
            EnvironmentRefused: the engine is not reached, has no room, or is of another version.
        """
        self.engine.check_paths(request.inputs, request.output, request.model.uri)
        self.engine.beam_options(1)

    def describe(self, request: ScoreRequest) -> str:
        """Return what an engine would be sent for a job; nothing where Beam's own runners would be used.

        Raises:
            DataRefused: inputs are missing or cannot be read.
        """
        if isinstance(self.engine, BeamRunner):
            return ""
        tasks = _uncounted_tasks(request)
        options = self.engine.beam_options(len(tasks))
        if isinstance(self.engine, Dataflow):
            return _dataflow_request(tasks, request.model, options)
        assert isinstance(self.engine, PortableEngine)
        server = self.engine.job_endpoint or "one that is started for the job"
        return f"Job server: {server}\nBeam options: {' '.join(options)}"


def _uncounted_tasks(request: ScoreRequest) -> list[ShardTask]:
    """Return about as many tasks as the job has; rows are counted only when it runs."""
    tasks = []
    for index, source in enumerate(find_sources(request.inputs)):
        path, size, step = source.file.path, source.file.size, request.settings.shard_bytes
        for at, start in enumerate(range(0, size, step) or (0,)):
            shard = SourceShard(path, at, start, min(size, start + step), 0, 0, source, index, stem_of(index, path, at))
            tasks.append(ShardTask("0" * 64, shard, request.output, request.settings))
    return tasks


def _dataflow_request(tasks: Sequence[ShardTask], model: ModelRef, options: Sequence[str]) -> str:
    from components.io.submitter import RemoteSubmitter
    from components.score.beam import score_shards
    from components.score.beam_private import dataflow_request

    submitter = RemoteSubmitter(tasks[0].output, "lock/dry-run.json")
    request = dataflow_request(lambda pipeline: score_shards(pipeline, tasks, model, submitter), options)
    request["graph"]["shards"] = len(tasks)
    return json.dumps(request, indent=1)
