"""Score one shard: read a block, call the model, append; at the end publish the data and then the record."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from components.errors import DataRefused, EnvironmentRefused, HeartbeatError
from components.io.shards import SourceShard, read_shard
from components.io.storage import sha256_of, storage_at
from components.score.blocks import BlockScorer, Count
from components.score.columns import open_writer
from components.score.inputs import changed_files
from components.score.job import ShardTask
from components.score.model import ScoringModel
from components.score.record import ShardFailure, ShardRecord, Written
from components.score.recordings import RecordingShard, score_recordings

LOG: Final = logging.getLogger("heartbeat.score")
"""Silent by default: the sentences are reported anyway."""


class Stopped(BaseException):
    """Raised by a callback to abandon a shard without recording it."""


def attempt_shard(
    task: ShardTask,
    model: Callable[[], ScoringModel],
    count: Count = lambda scored, rejected: None,
    check_wanted: Callable[[], None] = lambda: None,
) -> None:
    """Score a shard, or write a record of why it failed: the other shards continue.

    Args:
        task: to do.
        model: returns the model.
        count: called for each block.
        check_wanted: called before anything is published; raises Stopped if nothing waits for the shard any more, as
            the directory may belong to another job by now.

    Raises:
        EnvironmentRefused: that record cannot be written.
    """
    try:
        _score_shard(task, model(), count, check_wanted)
    except Exception as error:
        LOG.error("shard %s", task.shard.stem, exc_info=error)
        check_wanted()
        failure = ShardFailure(_in_words(task, error))
        storage_at(task.output).write(task.record_name, failure.to_json().encode())


def _in_words(task: ShardTask, error: Exception) -> tuple[str, ...]:
    which = f"Shard {task.shard.stem} ({task.shard.describe()})"
    if isinstance(error, HeartbeatError):
        return tuple(f"{which}: {sentence}" for sentence in error.sentences)
    message = str(error).strip().split("\n", 1)[0][:500]
    return (f"{which} failed with {type(error).__name__}: {message}",)


def _score_shard(task: ShardTask, model: ScoringModel, count: Count, check_wanted: Callable[[], None]) -> None:
    """Score a shard and publish its rows, its rejects and, last, its record.

    Raises:
        DataRefused: the input cannot be read, changed, or does not have the planned rows.
        EnvironmentRefused: the results cannot be written.
    """
    began = time.perf_counter()
    folder, shard = storage_at(task.output), task.shard
    others: dict[str, bytes] = {}
    recordings = None
    with (
        folder.drafted(task.parts_name) as (parts, publish_parts),
        folder.drafted(task.rejects_name) as (rejects, publish_rejects),
    ):
        try:
            with open_writer(parts, task.settings.format) as writer, rejects.open("wb") as rejects_file:
                scorer = BlockScorer(task.settings, model, writer, rejects_file, count)
                if isinstance(shard, RecordingShard):
                    recordings, others = score_recordings(task, shard, scorer, lambda: count(0, 0))
                else:
                    _score_rows(task, shard, scorer)
            written = _described(task.parts_name, parts), _described(task.rejects_name, rejects)
        except OSError as error:
            raise EnvironmentRefused(f"Cannot write {task.output}: {error.strerror or error}.") from error
        inputs = shard.recordings if isinstance(shard, RecordingShard) else [shard.source]
        for path in changed_files(inputs):
            raise DataRefused(f"{path} changed while it was scored. Score it again when it is at rest.")
        record = ShardRecord(
            job=task.job,
            file=shard.file,
            first_row=0 if isinstance(shard, RecordingShard) else shard.first_row,
            **scorer.tally.as_fields(),
            parts=written[0],
            rejects=written[1],
            others=tuple(Written(name, len(each), hashlib.sha256(each).hexdigest()) for name, each in others.items()),
            recordings=recordings,
            seconds=round(time.perf_counter() - began, 3),
            computing=model.computing,
        )
        check_wanted()
        publish_parts()
        publish_rejects()
        for name, content in others.items():
            folder.write(name, content)
    folder.write(task.record_name, record.to_json().encode())


def _score_rows(task: ShardTask, shard: SourceShard, scorer: BlockScorer) -> None:
    labelled, block_rows = task.settings.labelled, task.settings.block_rows
    for block in read_shard(shard, labelled=labelled, block_rows=block_rows, with_context=scorer.reads_context):
        scorer.score([(shard.file, block)])
    tally = scorer.tally
    planned, rejected = shard.rows, tally.reasons.total()
    if tally.rows != planned or tally.rows != tally.scored + rejected:
        raise DataRefused(
            f"{planned:,} rows were counted, {tally.rows:,} read, {tally.scored:,} scored, {rejected:,} rejected: the "
            "file changed while it was scored."
        )


def _described(name: str, file: Path) -> Written:
    with file.open("rb") as content:
        return Written(name, file.stat().st_size, sha256_of(content))
