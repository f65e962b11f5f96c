"""Which shards of a job are done, according to the files in its directory.

A shard is done if its record exists and agrees with the plan and with the files. Every function raises
EnvironmentRefused if the directory cannot be read or written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from components.errors import DataRefused
from components.io.storage import Storage, ask_all, sha256_of
from components.score.job import ShardTask
from components.score.record import Outcome, ShardRecord, Written, parse_outcome
from components.score.recordings import RecordingShard

RESULT_FOLDERS: Final = ("shards", "parts", "rejects", "recordings", "annotations")
"""Folders of a scoring directory that hold its shards' files; first the records, which mark them as done."""

T = TypeVar("T")


def read_outcome(folder: Storage, task: ShardTask) -> Outcome:
    """Read a shard's outcome; a record of another job or plan does not count."""
    content = folder.read(task.record_name)
    record = None if content is None else parse_outcome(content)
    if not isinstance(record, ShardRecord):
        return record
    shard = task.shard
    planned = (task.job, shard.file, task.parts_name, task.rejects_name)
    written = (record.job, record.file, record.parts.name, record.rejects.name)
    if isinstance(shard, RecordingShard):
        tally = record.recordings
        counts_agree = tally is not None and tally.used + tally.unusable == len(shard.recordings)
    else:
        counts_agree = (record.first_row, record.rows) == (shard.first_row, shard.rows)
    return record if written == planned and counts_agree and record.rows == record.scored + record.rejected else None


def read_outcomes(
    folder: Storage, tasks: Sequence[ShardTask], known: Mapping[str, ShardRecord] = {}
) -> dict[str, Outcome]:
    """Return the outcome of each shard of a job, by stem; `known` has the records that need not be read."""
    unknown = [task for task in tasks if task.shard.stem not in known]
    read = {**known, **_side_by_side(partial(read_outcome, folder), unknown)}
    return {task.shard.stem: read[task.shard.stem] for task in tasks}


def done_shards(folder: Storage, tasks: Sequence[ShardTask]) -> dict[str, ShardRecord]:
    """Return the records, by stem, of the shards that are done: their files are intact."""
    sizes = folder.sizes()
    recorded = [task for task in tasks if task.record_name in sizes]
    verified = _side_by_side(partial(_verified, folder, sizes), recorded)
    return {stem: record for stem, record in verified.items() if record is not None}


def _side_by_side(read: Callable[[ShardTask], T], tasks: Sequence[ShardTask]) -> dict[str, T]:
    return dict(zip((task.shard.stem for task in tasks), ask_all(read, tasks), strict=True))


def _verified(folder: Storage, sizes: Mapping[str, int], task: ShardTask) -> ShardRecord | None:
    record = read_outcome(folder, task)
    if not isinstance(record, ShardRecord):
        return None
    return record if all(_is_whole(folder, sizes, file) for file in record.written) else None


def _is_whole(folder: Storage, sizes: Mapping[str, int], file: Written) -> bool:
    if sizes.get(file.name) != file.bytes:
        return False
    try:
        with closing(folder.open(file.name)) as content:
            return sha256_of(content) == file.sha256
    except DataRefused:  # removed since it was listed
        return False


def remove_strays(folder: Storage, tasks: Sequence[ShardTask]) -> None:
    """Remove foreign files from the folders of a job's results."""
    belongs = {name for task in tasks for name in task.result_names()}
    for below in RESULT_FOLDERS:
        for name in folder.sizes(below):
            if name not in belongs:
                folder.remove(name)


@dataclass(frozen=True)
class Progress:
    """The progress of a job."""

    shards: tuple[int, int]  # ended so far, and of how many
    amount: tuple[int, int]  # rows, or seconds of recordings, of the shards that have ended, and of how many
    unit: str  # of these: `rows` or `seconds`
    rate: float | None  # of this run, in amount per second; None before the first shard
    seconds_left: float | None  # at this rate; None likewise


class ProgressReader:
    """Follow a job through its directory: `waiting` are the tasks of this run, `tasks` all of the job."""

    def __init__(self, folder: Storage, waiting: Sequence[ShardTask], tasks: Sequence[ShardTask]) -> None:
        self._folder = folder
        self._waiting = {task.record_name: task for task in waiting}
        self._shards, self._amount = len(tasks), sum(task.shard.amount for task in tasks)
        self._unit = "seconds" if any(isinstance(task.shard, RecordingShard) for task in tasks) else "rows"
        self._before = self._amount - sum(task.shard.amount for task in waiting)
        self._ended = 0
        self._began = self._looked = time.monotonic()

    def look(self) -> Progress:
        """Return the job's progress, at most a moment old."""
        now = time.monotonic()
        if now - self._looked >= self._folder.poll_seconds:
            self._looked = now
            for name in self._folder.sizes("shards").keys() & self._waiting.keys():
                if read_outcome(self._folder, self._waiting[name]) is not None:
                    self._ended += self._waiting.pop(name).shard.amount
        amount = self._before + self._ended
        rate = self._ended / (now - self._began) if self._ended else None
        seconds_left = (self._amount - amount) / rate if rate else None
        shards = (self._shards - len(self._waiting), self._shards)
        return Progress(shards, (amount, self._amount), self._unit, rate, seconds_left)
