"""How far a job is, from the records that its shards leave: so on any runner, from anywhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from components.io.storage import Storage
from components.score.job import ShardTask
from components.score.resume import read_outcome


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes:
        shards: ended so far, and of how many.
        rows: of the shards that have ended, and of how many.
        rate: rows a second of this run; None before the first shard.
        left: seconds, at this rate; None likewise.
    """

    shards: tuple[int, int]
    rows: tuple[int, int]
    rate: float | None
    left: float | None


class ProgressReader:
    """Follows a job through its directory.

    Args:
        folder: the scoring directory.
        waiting: tasks of this run.
        tasks: all of the job.
    """

    def __init__(self, folder: Storage, waiting: Sequence[ShardTask], tasks: Sequence[ShardTask]) -> None:
        self._folder = folder
        self._waiting = {task.record_name: task for task in waiting}
        self._shards, self._rows = len(tasks), sum(task.shard.rows for task in tasks)
        self._rows_before = self._rows - sum(task.shard.rows for task in waiting)
        self._rows_ended = 0
        self._began = self._looked = time.monotonic()

    def look(self) -> Progress:
        """Return where the job is now, or was when last looked a moment ago."""
        now = time.monotonic()
        if now - self._looked >= self._folder.poll_seconds:
            self._looked = now
            for name in self._folder.sizes("shards").keys() & self._waiting.keys():
                if read_outcome(self._folder, self._waiting[name]) is not None:
                    self._rows_ended += self._waiting.pop(name).shard.rows
        rows = self._rows_before + self._rows_ended
        rate = self._rows_ended / (now - self._began) if self._rows_ended else None
        left = (self._rows - rows) / rate if rate else None
        return Progress((self._shards - len(self._waiting), self._shards), (rows, self._rows), rate, left)
