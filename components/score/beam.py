"""The job on Beam: shards, each scored where Beam puts it. No shuffle of beats, nothing to put in order again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.options.pipeline_options import PipelineOptions

from components.score.model import ModelPlace, loaded_model, use_one_thread
from components.score.shard import ShardTask, attempt_shard
from components.score.watch import Submitter, stop_with

LOCAL_RUNNER = "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"
"""By its full name: a bare DirectRunner may try to download another one."""


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


def run_on_beam(tasks: Sequence[ShardTask], place: ModelPlace, options: Sequence[str]) -> None:
    """Scores every shard, wherever the options' runner puts it, and returns when all are done or have failed."""
    with beam.Pipeline(options=PipelineOptions(list(options))) as pipeline:
        _ = (
            pipeline
            | "Shards" >> beam.Create(list(tasks))
            | "ScoreShard" >> beam.ParDo(ScoreShard(place, Submitter.this_process()))
        )
