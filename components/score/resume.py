"""Which shards of a job are done: those whose record is there and agrees with the plan and with the files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from components.io.storage import Storage
from components.score.job import Job
from components.score.record import ShardFailure, ShardRecord, Written
from components.score.shard import ShardTask

READERS: Final = 16
"""Threads that read records: small files, far away."""


def tasks_of(job: Job, output: str) -> list[ShardTask]:
    """One task for each shard, in order."""
    digest, settings = job.fingerprint.digest, job.fingerprint.settings
    return [ShardTask(digest, piece, output, settings) for piece in job.pieces]


def done_shards(folder: Storage, tasks: list[ShardTask]) -> dict[str, ShardRecord]:
    """Stem -> record of the shards that need not be done again.

    Raises:
        EnvironmentRefused: the directory cannot be read.
    """
    present = folder.sizes()
    done = {}
    for task in tasks:
        record = _agreeing(folder, task, present)
        if record is not None:
            done[task.piece.stem] = record
    return done


def read_record(folder: Storage, task: ShardTask) -> ShardRecord | ShardFailure | None:
    """What a shard left: a record of this job, why it failed, or nothing that counts.

    Raises:
        EnvironmentRefused: the directory cannot be read.
    """
    content = folder.read(task.record_name)
    if content is None:
        return None
    failure = ShardFailure.from_json(task.piece.stem, content)
    if failure is not None:
        return failure
    try:
        record = ShardRecord.from_json(content)
    except ValueError:
        return None
    shard = task.piece.shard
    planned = (task.job, shard.file, shard.first_row, shard.rows, task.parts_name, task.rejects_name)
    told = (record.job, record.file, record.first_row, record.rows, record.parts.name, record.rejects.name)
    return record if told == planned and record.rows == record.scored + record.rejected else None


def what_is_left(
    folder: Storage, tasks: list[ShardTask], done: Mapping[str, ShardRecord]
) -> dict[str, ShardRecord | ShardFailure | None]:
    """Stem -> what a shard left, for all shards of a job; read side by side, as a store answers slowly but many.

    Args:
        folder: the scoring directory.
        tasks: of the job.
        done: what is known already.

    Raises:
        EnvironmentRefused: the directory cannot be read.
    """
    unknown = [task for task in tasks if task.piece.stem not in done]
    with ThreadPoolExecutor(READERS) as pool:
        read = dict(
            zip((task.piece.stem for task in unknown), pool.map(partial(read_record, folder), unknown), strict=True)
        )
    return {task.piece.stem: done.get(task.piece.stem) or read[task.piece.stem] for task in tasks}


def _agreeing(folder: Storage, task: ShardTask, present: Mapping[str, int]) -> ShardRecord | None:
    if task.record_name not in present:
        return None
    record = read_record(folder, task)
    if not isinstance(record, ShardRecord):
        return None
    agrees = all(_is_whole(folder, file, present) for file in (record.parts, record.rejects))
    return record if agrees else None


def _is_whole(folder: Storage, file: Written, present: Mapping[str, int]) -> bool:
    if present.get(file.name) != file.bytes:
        return False
    content = folder.read(file.name)
    return content is not None and hashlib.sha256(content).hexdigest() == file.sha256


def remove_strays(folder: Storage, tasks: list[ShardTask]) -> None:
    """Removes what does not belong to a job from the folders that hold its results.

    Raises:
        EnvironmentRefused: it cannot be removed.
    """
    belongs = {name for task in tasks for name in (task.parts_name, task.rejects_name, task.record_name)}
    for below in ("parts", "rejects", "shards"):
        for name in folder.sizes(below):
            if name not in belongs:
                folder.remove(name)
