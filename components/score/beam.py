"""The job on Beam: shards, each scored where Beam puts it. Beats are never shuffled or reordered."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.options.pipeline_options import PipelineOptions

from components.io.storage import storage_at
from components.io.submitter import LocalSubmitter, Submitter, local_submitter, remote_submitter
from components.score.beam_private import await_workers, local_runner, lost_workers
from components.score.engines.engine import Session, environment_refusal, is_elsewhere, names_runner, worker_pool
from components.score.engines.worker import local_worker_command
from components.score.job import ShardTask
from components.score.model import ModelRef, loaded_model
from components.score.record import ShardRecord
from components.score.resume import read_outcome
from components.score.shard import LOG, Stopped, attempt_shard

FOLLOW_SECONDS: Final = 0.5
"""How often progress is checked."""

LOG_CHARACTERS: Final = 20_000
"""How much of the end of an engine's log is searched for why a job failed."""

STOP_SECONDS: Final = 20.0
"""How long to wait for this process's block, or for other processes, to end: TensorFlow must be idle at exit."""

_stopping = threading.Event()


class ScoreShard(beam.DoFn):
    """Score the rows of one shard with the worker process's model; the process stops when its submitter is gone."""

    def __init__(self, model: ModelRef, submitter: Submitter) -> None:
        self._model = model
        self._submitter = submitter
        self._shards = Metrics.counter("heartbeat.score", "shards")
        self._scored = Metrics.counter("heartbeat.score", "rows_scored")
        self._rejected = Metrics.counter("heartbeat.score", "rows_rejected")

    def setup(self) -> None:
        """Prepare the worker process."""
        self._submitter.watch()

    def process(self, task: ShardTask) -> Iterator[None]:
        """Score and publish a shard; do nothing if an engine repeats a finished one.

        The results are in the shard's files, so nothing is passed on to Beam.
        """
        with contextlib.suppress(Stopped):
            self._count(0, 0)
            if not isinstance(read_outcome(storage_at(task.output), task), ShardRecord):
                attempt_shard(task, lambda: loaded_model(self._model), self._count, self._check_wanted)
                LOG.info("shard %s ended", task.shard.stem)
                self._shards.inc()
        return iter(())

    def _count(self, scored: int, rejected: int) -> None:
        if _stopping.is_set() or self._submitter.is_gone():
            raise Stopped
        self._scored.inc(scored)
        self._rejected.inc(rejected)

    def _check_wanted(self) -> None:
        if self._submitter.is_gone(at_once=True):
            raise Stopped


def score_shards(pipeline: beam.Pipeline, tasks: Sequence[ShardTask], model: ModelRef, submitter: Submitter) -> None:
    """Add the job to a pipeline: one element per shard, spread over the workers.

    Largest first: Flink assigns elements round-robin before it knows which worker is busy; in the order of the input
    one worker could get the full-sized shard of each file and the other the rests. It also shortens the end of a job
    on runners that hand out work dynamically.
    """
    largest_first = sorted(tasks, key=lambda task: -task.shard.amount)
    _ = pipeline | "Shards" >> beam.Create(largest_first) | "ScoreShard" >> beam.ParDo(ScoreShard(model, submitter))


def run_on_beam(
    tasks: Sequence[ShardTask], model: ModelRef, session: Session, follow: Callable[[], object]
) -> list[str]:
    """Score every shard, calling `follow` about twice a second, and return when all have ended.

    Returns:
        Sentences about what went wrong with the job as a whole; without any, each shard has an outcome.

    Raises:
        EnvironmentRefused: the engine is unreachable, full, or of another version.
        BaseException: what `follow` or a signal raised; the workers then stop too.
    """
    with lost_workers() as lost:
        try:
            itself: AbstractContextManager[Submitter] = (  # as its workers can see it
                remote_submitter(tasks[0].output) if is_elsewhere(session.options) else local_submitter()
            )
            with itself as submitter:
                job = _Job(tasks, model, session, submitter)
                session.await_ready()
                job.start()
                try:
                    while not job.ended.wait(FOLLOW_SECONDS):
                        follow()
                        session.check()
                        if lost:
                            return [lost[0], "Continue with --resume, with fewer --workers if memory was short."]
                except BaseException:
                    job.cancel()
                    raise
        finally:
            await_workers(STOP_SECONDS)
    if job.error is None:
        return []
    if is_elsewhere(session.options):
        pool = worker_pool(session.options)
        for words in (session.log(), f"{type(job.error).__name__}: {job.error}"):
            if (refused := environment_refusal(words[-LOG_CHARACTERS:], pool)) is not None:
                raise refused from job.error
    lines = [line for line in str(job.error).strip().splitlines() if line.strip()] or [""]
    return [f"The Beam job failed with {type(job.error).__name__}: {lines[-1][:500]}"]


class _Job(threading.Thread):
    """Beam running in a daemon thread, so that a signal need not wait for a shard."""

    def __init__(self, tasks: Sequence[ShardTask], model: ModelRef, session: Session, submitter: Submitter) -> None:
        super().__init__(name="beam-job", daemon=True)
        self.ended = threading.Event()
        self.error: Exception | None = None
        self._result: Any = None
        runner = None
        if not names_runner(session.options):
            assert isinstance(submitter, LocalSubmitter)
            runner = local_runner(local_worker_command(submitter) if session.processes else None)
        options = [f"--direct_num_workers={max(session.processes, 1)}", *session.options]
        self._pipeline = beam.Pipeline(runner, PipelineOptions(options))
        score_shards(self._pipeline, tasks, model, submitter)
        self._is_here = runner is not None and session.processes == 0

    def run(self) -> None:
        """Run the job to its end."""
        try:
            self._result = self._pipeline.run()
            self._result.wait_until_finish()
        except Exception as error:
            LOG.error("the Beam job failed", exc_info=error)
            self.error = error
        finally:
            self.ended.set()

    def cancel(self) -> None:
        """Ask a runner elsewhere to stop; this process stops after its block, other workers without a submitter."""
        if self._result is not None:
            try:
                self._result.cancel()
            except Exception as error:  # the runner may be gone
                LOG.warning("the Beam job was not cancelled: %s", error)
        _stopping.set()
        self.ended.wait(STOP_SECONDS if self._is_here else 0)
        _stopping.clear()
