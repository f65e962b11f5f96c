"""The job on Beam: shards, each scored where Beam puts it. No shuffle of beats, nothing to put in order again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.options.pipeline_options import PipelineOptions

from components.score.model import ModelPlace, loaded_model, use_one_thread
from components.score.shard import ShardTask, attempt_shard
from components.score.watch import Submitter, stop_with, submitting

LOCAL_RUNNER: Final = "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"
"""By its full name: a bare DirectRunner may try to download another one."""

WORKER_THREAD: Final = "run_worker"
"""Name of the local runner's threads that each wait for a worker process."""

FOLLOW_SECONDS: Final = 0.5
"""How often progress is looked at."""


class ScoreShard(beam.DoFn):
    """Scores the rows of one shard with the model of its process.

    Args:
        place: the model.
        submitter: without which there is no point in going on.
    """

    def __init__(self, place: ModelPlace, submitter: Submitter) -> None:
        self._place = place
        self._submitter = submitter
        self._shards = Metrics.counter("heartbeat.score", "shards")
        self._scored = Metrics.counter("heartbeat.score", "rows_scored")
        self._rejected = Metrics.counter("heartbeat.score", "rows_rejected")

    def setup(self) -> None:
        """Prepares the process. Source: beam.DoFn."""
        stop_with(self._submitter)
        use_one_thread()

    def process(self, task: ShardTask) -> Iterator[None]:
        """Scores, publishes and gives nothing on. Source: beam.DoFn."""
        attempt_shard(task, lambda: loaded_model(self._place), self._seen)
        self._shards.inc()
        return iter(())  # Beam iterates over what it gets; what a shard gives is in its files

    def _seen(self, scored: int, rejected: int) -> None:
        self._scored.inc(scored)
        self._rejected.inc(rejected)


def local_options(workers: int, options: Sequence[str]) -> list[str]:
    """Beam's options for a job: the local runner with so many processes, unless the options name another runner.

    Args:
        workers: 1 scores in this process.
        options: what the user gave for Beam.
    """
    if any(option.split("=")[0] == "--runner" for option in options):
        return list(options)
    mode = "in_memory" if workers == 1 else "multi_processing"
    return [LOCAL_RUNNER, f"--direct_num_workers={workers}", f"--direct_running_mode={mode}", *options]


def run_on_beam(
    tasks: Sequence[ShardTask], place: ModelPlace, options: Sequence[str], follow: Callable[[], None]
) -> list[str]:
    """Scores every shard, wherever the options' runner puts it, and returns when all have ended.

    Args:
        tasks: the shards.
        place: the model.
        options: for Beam.
        follow: called about once a second meanwhile.

    Returns:
        Sentences about what went wrong with the job as a whole; without any, each shard has left something.

    Raises:
        BaseException: what `follow` or a signal raised; the workers of this machine stop then, too.
    """
    with submitting() as submitter, _lost_workers() as lost:
        running = _Running(tasks, place, submitter, options)
        running.start()
        try:
            while not running.ended.wait(FOLLOW_SECONDS):
                follow()
                if lost:
                    return [lost[0], "Go on with --resume, with fewer --workers if memory was short."]
        except BaseException:
            running.cancel()
            raise
    return [] if running.error is None else [_in_words(running.error)]


class _Running(threading.Thread):
    """Beam at work, in a thread that ends with the process, so that a signal need not wait for a shard."""

    def __init__(
        self, tasks: Sequence[ShardTask], place: ModelPlace, submitter: Submitter, options: Sequence[str]
    ) -> None:
        super().__init__(name="beam-job", daemon=True)
        self.ended = threading.Event()
        self.error: Exception | None = None
        self._result: Any = None
        self._pipeline = beam.Pipeline(options=PipelineOptions(list(options)))
        _ = (
            self._pipeline
            | "Shards" >> beam.Create(list(tasks))
            | "ScoreShard" >> beam.ParDo(ScoreShard(place, submitter))
        )

    def run(self) -> None:
        """Runs the job to its end. Source: threading.Thread."""
        try:
            self._result = self._pipeline.run()
            self._result.wait_until_finish()
        except Exception as error:
            logging.exception("the Beam job failed")
            self.error = error
        finally:
            self.ended.set()

    def cancel(self) -> None:
        """Asks a runner elsewhere to stop; a local one stops with the lease."""
        if self._result is not None:
            self._result.cancel()


@contextmanager
def _lost_workers() -> Iterator[list[str]]:
    """Sentences about local workers that died: Beam's local runner would wait for them for ever."""
    lost: list[str] = []
    previous = threading.excepthook

    def noticed(told: threading.ExceptHookArgs) -> None:
        if told.thread is not None and told.thread.name == WORKER_THREAD:
            lost.append(f"A worker process died: {told.exc_value}.")
        else:
            previous(told)

    threading.excepthook = noticed
    try:
        yield lost
    finally:
        threading.excepthook = previous


def _in_words(error: Exception) -> str:
    lines = [line for line in str(error).strip().splitlines() if line.strip()] or [""]
    return f"The Beam job failed with {type(error).__name__}: {lines[-1][:500]}"
