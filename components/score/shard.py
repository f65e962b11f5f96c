"""Score one shard: read a block, ask the model, append; at the end publish the data, then the record."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from components.errors import DataRefused, EnvironmentRefused, HeartbeatError
from components.io.beat_block import BeatBlock
from components.io.rejects import Reject
from components.io.shards import read_shard
from components.io.storage import sha256_of, storage_at
from components.push.histogram import count_samples
from components.score.columns import Writer, open_writer, prediction_table
from components.score.job import ShardTask, changed_files
from components.score.model import Answers, ScoringModel
from components.score.record import ShardFailure, ShardRecord, Tally, Written

NOT_FINITE: Final = "probabilities not finite"

LOG: Final = logging.getLogger("heartbeat.score")
"""Silent where someone reads the sentences anyway."""

Count = Callable[[int, int], None]
"""Called after each block with the rows scored and the rows rejected in it; may raise Stopped."""


class Stopped(BaseException):
    """Raised by a callback to abandon a shard without recording it."""


def attempt_shard(
    task: ShardTask,
    model: Callable[[], ScoringModel],
    count: Count = lambda scored, rejected: None,
    check_wanted: Callable[[], None] = lambda: None,
) -> None:
    """Score a shard, or leave a record of why it could not be done: the other shards go on.

    Args:
        task: to do.
        model: returns the model to score with.
        count: follows the blocks.
        check_wanted: called before anything is published; raises Stopped if nothing waits for the shard any more, as
            the directory may belong to another job by now.

    Raises:
        EnvironmentRefused: that record cannot be written.
    """
    try:
        score_shard(task, model(), count, check_wanted)
    except Exception as error:
        LOG.error("shard %s", task.shard.stem, exc_info=error)
        check_wanted()
        failure = ShardFailure(task.shard.stem, _in_words(task, error))
        storage_at(task.output).write(task.record_name, failure.to_json().encode())


def _in_words(task: ShardTask, error: Exception) -> tuple[str, ...]:
    shard = task.shard
    rows = f"rows {shard.first_row:,} to {shard.first_row + shard.rows - 1:,} of {shard.file}"
    if isinstance(error, HeartbeatError):
        return tuple(f"Shard {shard.stem} ({rows}): {sentence}" for sentence in error.sentences)
    message = str(error).strip().split("\n", 1)[0][:500]
    return (f"Shard {shard.stem} ({rows}) failed with {type(error).__name__}: {message}",)


def score_shard(
    task: ShardTask,
    model: ScoringModel,
    count: Count = lambda scored, rejected: None,
    check_wanted: Callable[[], None] = lambda: None,
) -> ShardRecord:
    """Score a shard and publish its rows, its rejects and, last, its record; arguments as of `attempt_shard`.

    Raises:
        DataRefused: the input cannot be read, changed, or does not have the rows that were planned.
        EnvironmentRefused: the results cannot be written.
    """
    began = time.perf_counter()
    folder = storage_at(task.output)
    with (
        folder.drafted(task.parts_name) as (parts, publish_parts),
        folder.drafted(task.rejects_name) as (rejects, publish_rejects),
    ):
        try:
            with open_writer(parts, task.settings.format) as writer, rejects.open("wb") as rejects_file:
                tally = _score_blocks(task, model, writer, rejects_file, count)
            written = _described(task.parts_name, parts), _described(task.rejects_name, rejects)
        except OSError as error:
            raise EnvironmentRefused(f"Cannot write {task.output}: {error.strerror or error}.") from error
        _check_rows(task, tally)
        for path in changed_files([task.shard.source]):
            raise DataRefused(f"{path} changed while it was scored. Score it again when it is at rest.")
        record = ShardRecord(
            job=task.job,
            file=task.shard.file,
            first_row=task.shard.first_row,
            **tally.as_fields(),
            parts=written[0],
            rejects=written[1],
            seconds=round(time.perf_counter() - began, 3),
            computing=model.computing,
        )
        check_wanted()
        publish_parts()
        publish_rejects()
    folder.write(task.record_name, record.to_json().encode())
    return record


def _score_blocks(task: ShardTask, model: ScoringModel, writer: Writer, rejects_file: BinaryIO, count: Count) -> Tally:
    tally, file, settings = Tally(), task.shard.file, task.settings
    blocks = read_shard(
        task.shard,
        labelled=settings.labelled,
        block_bytes=settings.block_bytes,
        block_rows=settings.block_rows,
    )
    for block in blocks:
        answers = model.answers(block.signal, settings.batch)
        block, answers = without_unusable(block, answers)
        table, predicted = prediction_table(file, block, answers, model.short_digest)
        if table.num_rows:
            writer.write_table(table)
        rejects_file.write("".join(reject.to_json(file) for reject in block.rejects).encode())
        tally.rows += block.row_count
        tally.scored += len(block.rows)
        tally.abstained += int(answers.abstain.sum())
        tally.reasons.update(reject.kind for reject in block.rejects)
        tally.classes += np.bincount(predicted, minlength=len(tally.classes))
        tally.histogram += count_samples([block.signal])
        if block.label is not None:
            tally.add_labels(block.label, predicted)
        count(len(block.rows), len(block.rejects))
    return tally


def without_unusable(block: BeatBlock, answers: Answers) -> tuple[BeatBlock, Answers]:
    """Move beats whose probabilities are not all finite to the rejects."""
    usable = np.isfinite(answers.probabilities).all(axis=1)
    if usable.all():
        return block, answers
    unusable = [
        Reject(row, NOT_FINITE, "the model's probabilities are not finite", block.text(row))
        for row in block.rows[~usable].tolist()
    ]
    kept = replace(
        block,
        signal=block.signal[usable],
        label=None if block.label is None else block.label[usable],
        record=None if block.record is None else block.record[usable],
        sample=None if block.sample is None else block.sample[usable],
        rows=block.rows[usable],
        rejects=tuple(sorted((*block.rejects, *unusable), key=lambda reject: reject.row)),
    )
    return kept, replace(answers, probabilities=answers.probabilities[usable], abstain=answers.abstain[usable])


def _described(name: str, file: Path) -> Written:
    with file.open("rb") as content:
        return Written(name, file.stat().st_size, sha256_of(content))


def _check_rows(task: ShardTask, tally: Tally) -> None:
    planned, rejected = task.shard.rows, tally.reasons.total()
    if tally.rows != planned or tally.rows != tally.scored + rejected:
        raise DataRefused(
            f"{planned:,} rows were counted, {tally.rows:,} read, {tally.scored:,} scored, {rejected:,} rejected: the "
            "file changed while it was scored."
        )
