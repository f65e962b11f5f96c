"""The job on Beam: shards, each scored where Beam puts it. No shuffle of beats, nothing to put in order again."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from components.io.folder import folder_at
from components.io.lease import leasing
from components.score.engines.failures import of_the_environment
from components.score.engines.runner import is_elsewhere, names_runner
from components.score.model import ModelPlace, loaded_model, use_one_thread
from components.score.record import ShardRecord
from components.score.resume import read_record
from components.score.shard import LOG, ShardTask, Stopped, attempt_shard
from components.score.watch import Interest, Submitter, submitting
from components.score.worker import worker_command

WORKER_THREAD: Final = "run_worker"
"""Name of the local runner's threads that each wait for a worker process."""

MESSAGE_THREAD: Final = "wait_until_finish_read"
"""Name of Beam's thread that reads the messages of a job server; that the server is gone is known without it."""

FOLLOW_SECONDS: Final = 0.5
"""How often progress is looked at."""

LOG_CHARACTERS: Final = 20_000
"""Of the end of an engine's log, where it says why a job failed."""

STOP_SECONDS: Final = 20.0
"""How long to wait for this process's block, or for other processes, to end: TensorFlow must not be at work at exit."""

_stopping = threading.Event()


class ScoreShard(beam.DoFn):
    """Scores the rows of one shard with the model of its process.

    Args:
        place: the model.
        submitter: without whom there is no point in going on.
    """

    def __init__(self, place: ModelPlace, submitter: Interest) -> None:
        self._place = place
        self._submitter = submitter
        self._shards = Metrics.counter("heartbeat.score", "shards")
        self._scored = Metrics.counter("heartbeat.score", "rows_scored")
        self._rejected = Metrics.counter("heartbeat.score", "rows_rejected")

    def setup(self) -> None:
        """Prepares the process. Source: beam.DoFn."""
        self._submitter.watch()
        use_one_thread()

    def process(self, task: ShardTask) -> Iterator[None]:
        """Scores, publishes and gives nothing on; an engine's second attempt leaves what the first has done.

        Source: beam.DoFn.
        """
        with contextlib.suppress(Stopped):
            self._seen(0, 0)
            if not isinstance(read_record(folder_at(task.output), task), ShardRecord):
                attempt_shard(task, lambda: loaded_model(self._place), self._seen, self._check_wanted)
                LOG.info("shard %s ended", task.piece.stem)
                self._shards.inc()
        return iter(())  # Beam iterates over what it gets; what a shard gives is in its files

    def _seen(self, scored: int, rejected: int) -> None:
        if _stopping.is_set() or self._submitter.is_gone():
            raise Stopped
        self._scored.inc(scored)
        self._rejected.inc(rejected)

    def _check_wanted(self) -> None:
        if self._submitter.is_gone(at_once=True):
            raise Stopped


@dataclass(frozen=True)
class Submission:
    """What Beam is to do.

    Attributes:
        tasks: the shards.
        place: the model.
        workers: processes on this machine, 0 to score in this one; without meaning where the options name a runner.
        options: for Beam.
        engine_log: reads what the engine has written of the job, if it is known; Beam may hear of less.
        await_ready: returns when the job can be submitted.
    """

    tasks: Sequence[ShardTask]
    place: ModelPlace
    workers: int
    options: Sequence[str]
    engine_log: Callable[[], str] = str
    await_ready: Callable[[], object] = lambda: None


def run_on_beam(given: Submission, follow: Callable[[], object]) -> list[str]:
    """Scores every shard and returns when all have ended.

    Args:
        given: what to do.
        follow: called about once a second meanwhile.

    Returns:
        Sentences about what went wrong with the job as a whole; without any, each shard has left something.

    Raises:
        EnvironmentRefused: the engine that the options name is not reached, has no room, or is of another version.
        BaseException: what `follow` or a signal raised; the workers stop then, too.
    """
    with _lost_workers() as lost:
        try:
            with _interest(given) as submitter:
                running = _Running(given, submitter)
                given.await_ready()
                running.start()
                try:
                    while not running.ended.wait(FOLLOW_SECONDS):
                        follow()
                        if lost:
                            return [lost[0], "Go on with --resume, with fewer --workers if memory was short."]
                except BaseException:
                    running.cancel()
                    raise
        finally:
            _await_workers()
    if running.error is None:
        return []
    if is_elsewhere(given.options):
        for words in (given.engine_log(), f"{type(running.error).__name__}: {running.error}"):
            if (refused := of_the_environment(words[-LOG_CHARACTERS:])) is not None:
                raise refused from running.error
    return [_in_words(running.error)]


def _interest(given: Submission) -> AbstractContextManager[Interest]:
    """This process as its workers can see it."""
    return leasing(given.tasks[0].output) if is_elsewhere(given.options) else submitting()


def score_on(pipeline: beam.Pipeline, tasks: Sequence[ShardTask], place: ModelPlace, submitter: Interest) -> None:
    """Puts the job into a pipeline: each shard an element, spread over the workers.

    Largest first, because Flink deals elements out in turn, before it knows who is busy: in the order of the input, one
    worker may get the whole shard of each file and the other the rest. Who takes them as he is free ends sooner, too.
    """
    largest_first = sorted(tasks, key=lambda task: -task.piece.shard.rows)
    _ = pipeline | "Shards" >> beam.Create(largest_first) | "ScoreShard" >> beam.ParDo(ScoreShard(place, submitter))


def _runner(given: Submission, submitter: Interest) -> FnApiRunner | None:
    """The local runner by its class, as a bare DirectRunner may try to download another one; None for the options'."""
    if names_runner(given.options):
        return None
    if given.workers == 0:
        return FnApiRunner()
    assert isinstance(submitter, Submitter)
    return FnApiRunner(SubprocessSDKEnvironment.from_command_string(worker_command(submitter)))


def _options(given: Submission) -> list[str]:
    return [f"--direct_num_workers={max(given.workers, 1)}", *given.options]


class _Running(threading.Thread):
    """Beam at work, in a thread that ends with the process, so that a signal need not wait for a shard."""

    def __init__(self, given: Submission, submitter: Interest) -> None:
        super().__init__(name="beam-job", daemon=True)
        self.ended = threading.Event()
        self.error: Exception | None = None
        self._result: Any = None
        runner = _runner(given, submitter)
        self._pipeline = beam.Pipeline(runner, PipelineOptions(_options(given)))
        score_on(self._pipeline, given.tasks, given.place, submitter)
        self._is_here = runner is not None and given.workers == 0

    def run(self) -> None:
        """Runs the job to its end. Source: threading.Thread."""
        try:
            self._result = self._pipeline.run()
            self._result.wait_until_finish()
        except Exception as error:
            LOG.error("the Beam job failed", exc_info=error)
            self.error = error
        finally:
            self.ended.set()

    def cancel(self) -> None:
        """Asks a runner elsewhere to stop; this process stops after its block, other workers with their lease."""
        if self._result is not None:
            try:
                self._result.cancel()
            except Exception as error:  # whoever should have been asked may be what is gone
                LOG.warning("the Beam job was not cancelled: %s", error)
        _stopping.set()
        self.ended.wait(STOP_SECONDS if self._is_here else 0)
        _stopping.clear()


@contextmanager
def _lost_workers() -> Iterator[list[str]]:
    """Sentences about local workers that died: Beam's local runner would wait for them for ever."""
    lost: list[str] = []
    previous = threading.excepthook

    def noticed(told: threading.ExceptHookArgs) -> None:
        if told.thread is not None and told.thread.name == WORKER_THREAD:
            lost.append(f"A worker process died: {told.exc_value}.")
        elif told.thread is None or told.thread.name != MESSAGE_THREAD:
            previous(told)

    threading.excepthook = noticed
    try:
        yield lost
    finally:
        threading.excepthook = previous


def _await_workers() -> None:
    """Waits until local workers are gone; after a job that ran to its end they are."""
    for thread in threading.enumerate():
        if thread.name == WORKER_THREAD:
            thread.join(STOP_SECONDS)


def _in_words(error: Exception) -> str:
    lines = [line for line in str(error).strip().splitlines() if line.strip()] or [""]
    return f"The Beam job failed with {type(error).__name__}: {lines[-1][:500]}"
