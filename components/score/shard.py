"""Score one shard: read a block, ask the model, append; at the end publish the data, then the record."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt

from components.errors import DataRefused, EnvironmentRefused, HeartbeatError
from components.io.beat_block import BeatBlock
from components.io.rejects import Reject
from components.io.shards import SourceShard, read_shard
from components.io.sources import Source
from components.io.storage import CHUNK_BYTES, list_files, storage_at
from components.push.histogram import count_samples
from components.score.columns import Writer, open_writer, prediction_table
from components.score.model import Answers, ScoringModel
from components.score.record import ShardFailure, ShardRecord, Tally, Written
from components.score.settings import ScoreSettings

NOT_FINITE: Final = "probabilities not finite"

LOG: Final = logging.getLogger("heartbeat.score")
"""Silent where someone reads the sentences anyway."""

Seen = Callable[[int, int], None]
"""Is told rows scored and rows rejected since its last call."""


@dataclass(frozen=True)
class ShardTask:
    """One element of the job.

    Attributes:
        job: fingerprint of the job.
        piece: the rows to score.
        output: the scoring directory.
        settings: of the job.
    """

    job: str
    piece: SourceShard
    output: str
    settings: ScoreSettings

    @property
    def record_name(self) -> str:
        """Where the record goes."""
        return f"shards/{self.piece.stem}.json"

    @property
    def parts_name(self) -> str:
        """Where the scored rows go."""
        return f"parts/{self.piece.stem}.{self.settings.format}"

    @property
    def rejects_name(self) -> str:
        """Where the rejects go."""
        return f"rejects/{self.piece.stem}.jsonl"


class Stopped(BaseException):
    """Raised by who follows a shard's blocks to leave it as it is."""


def nothing_seen(scored: int, rejected: int) -> None:
    """For who does not follow the progress."""


def still_wanted() -> None:
    """For who scores for himself."""


def attempt_shard(
    task: ShardTask,
    model: Callable[[], ScoringModel],
    seen: Seen = nothing_seen,
    check_wanted: Callable[[], None] = still_wanted,
) -> None:
    """Scores a shard, or leaves a record of why it could not be done: the other shards go on.

    Args:
        task: to do.
        model: to score with, loaded when it is called.
        seen: follows the blocks.
        check_wanted: raises Stopped if nobody waits for the shard any more: then nothing is left, as the directory
            may belong to another job by now.

    Raises:
        EnvironmentRefused: that record cannot be written.
    """
    try:
        score_shard(task, model(), seen, check_wanted)
    except Exception as error:
        LOG.error("shard %s", task.piece.stem, exc_info=error)
        check_wanted()
        failure = ShardFailure(task.piece.stem, _in_words(task, error))
        storage_at(task.output).write(task.record_name, failure.to_json().encode())


def _in_words(task: ShardTask, error: Exception) -> tuple[str, ...]:
    shard = task.piece.shard
    rows = f"rows {shard.first_row:,} to {shard.first_row + shard.rows - 1:,} of {shard.file}"
    if isinstance(error, HeartbeatError):
        return tuple(f"Shard {task.piece.stem} ({rows}): {sentence}" for sentence in error.sentences)
    message = str(error).strip().split("\n", 1)[0][:500]
    return (f"Shard {task.piece.stem} ({rows}) failed with {type(error).__name__}: {message}",)


def score_shard(
    task: ShardTask,
    model: ScoringModel,
    seen: Seen = nothing_seen,
    check_wanted: Callable[[], None] = still_wanted,
) -> ShardRecord:
    """Scores a shard and publishes its rows, its rejects and, last, its record; arguments as of `attempt_shard`.

    Raises:
        DataRefused: the input cannot be read, changed, or does not have the rows that were planned.
        EnvironmentRefused: the results cannot be written.
    """
    began = time.perf_counter()
    folder = storage_at(task.output)
    with (
        folder.drafted(task.parts_name) as (parts, publish_parts),
        folder.drafted(task.rejects_name) as (
            rejects,
            publish_rejects,
        ),
    ):
        try:
            with open_writer(parts, task.settings.format) as writer, rejects.open("wb") as rejects_file:
                tally = _score_blocks(task, model, writer, rejects_file, seen)
            written = [
                _described(name, draft) for name, draft in ((task.parts_name, parts), (task.rejects_name, rejects))
            ]
        except OSError as error:
            raise EnvironmentRefused(f"Cannot write {task.output}: {error.strerror or error}.") from error
        _check_rows(task, tally)
        _check_unchanged(task.piece.source)
        record = ShardRecord(
            job=task.job,
            file=task.piece.shard.file,
            first_row=task.piece.shard.first_row,
            **tally.as_fields(),
            parts=written[0],
            rejects=written[1],
            seconds=round(time.perf_counter() - began, 3),
        )
        check_wanted()
        publish_parts()
        publish_rejects()
    folder.write(task.record_name, record.to_json().encode())
    return record


def _score_blocks(task: ShardTask, model: ScoringModel, writer: Writer, rejects_file: BinaryIO, seen: Seen) -> Tally:
    tally, file, settings = Tally(), task.piece.shard.file, task.settings
    blocks = read_shard(
        task.piece,
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
        _count(tally, block, answers, predicted)
        seen(len(block.rows), len(block.rejects))
    return tally


def without_unusable(block: BeatBlock, answers: Answers) -> tuple[BeatBlock, Answers]:
    """Moves beats whose probabilities are not all finite to the rejects."""
    usable = np.isfinite(answers.probabilities).all(axis=1)
    if usable.all():
        return block, answers
    found = [
        Reject(row, NOT_FINITE, "the model's probabilities are not finite", block.text(row))
        for row in block.rows[~usable].tolist()
    ]
    kept = BeatBlock(
        signal=block.signal[usable],
        label=None if block.label is None else block.label[usable],
        record=None if block.record is None else block.record[usable],
        sample=None if block.sample is None else block.sample[usable],
        rows=block.rows[usable],
        rejects=tuple(sorted((*block.rejects, *found), key=lambda reject: reject.row)),
        text=block.text,
    )
    return kept, replace(answers, probabilities=answers.probabilities[usable], abstain=answers.abstain[usable])


def _count(tally: Tally, block: BeatBlock, answers: Answers, predicted: npt.NDArray[np.int64]) -> None:
    tally.rows += block.row_count
    tally.scored += len(block.rows)
    tally.abstained += int(answers.abstain.sum())
    tally.reasons.update(reject.kind for reject in block.rejects)
    tally.classes += np.bincount(predicted, minlength=len(tally.classes))
    tally.histogram += count_samples([block.signal])
    if block.label is not None:
        tally.add_labels(block.label, predicted)


def _described(name: str, file: Path) -> Written:
    digest = hashlib.sha256()
    with file.open("rb") as source:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
    return Written(name, file.stat().st_size, digest.hexdigest())


def _check_rows(task: ShardTask, tally: Tally) -> None:
    planned = task.piece.shard.rows
    if tally.rows != planned or tally.rows != tally.scored + tally.reasons.total():
        raise DataRefused(
            f"{planned:,} rows were counted, {tally.rows:,} read, {tally.scored:,} scored, "
            f"{tally.reasons.total():,} rejected: the file changed while it was scored."
        )


def _check_unchanged(source: Source) -> None:
    for before in (source.file, source.provenance):
        if before is not None and list_files(before.path) != [before]:
            raise DataRefused(f"{before.path} changed while it was scored. Score it again when it is at rest.")
