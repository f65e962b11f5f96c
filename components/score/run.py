"""A whole scoring job, but for who runs its shards: lock, plan or resume, run, reconcile, judge."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from components.errors import DataRefused, UsageError
from components.io.lock import LOCK_DIR, locked
from components.io.shards import plan_sources, rows_by_file
from components.io.sources import check_labels, check_provenance, find_sources
from components.io.storage import Storage, absolute_path, storage_at
from components.score.budget import RejectBudget
from components.score.job import JOB_FILE, Fingerprint, Job, differences
from components.score.model import ModelPlace
from components.score.progress import ProgressReader
from components.score.record import ShardFailure, ShardRecord
from components.score.resume import done_shards, remove_strays, tasks_of, what_is_left
from components.score.settings import ScoreSettings
from components.score.shard import ShardTask
from components.score.summary import SUCCESS_FILE, SUMMARY_FILE, ScoreSummary, changed_inputs, summarise

COUNTING_THREADS = 4
"""Threads of the planner: two cores' worth and some waiting for the file system."""

RunShards = Callable[[Sequence[ShardTask], ModelPlace, Callable[[], object]], list[str]]
"""Runs every shard, anywhere, and returns when all have ended: sentences about what went wrong with them as a whole.
Calls the function it is given about twice a second meanwhile."""


@dataclass(frozen=True)
class ScoreRequest:
    """What is asked for.

    Attributes:
        inputs: paths, globs, URIs.
        output: directory or URI.
        model: to score with.
        settings: of the job.
        existing: what becomes of a directory that is not empty: refused, gone on with, or emptied.
        budget: of rejects.
    """

    inputs: tuple[str, ...]
    output: str
    model: ModelPlace
    settings: ScoreSettings
    existing: Literal["refuse", "resume", "overwrite"]
    budget: RejectBudget


def score(
    request: ScoreRequest, run_shards: RunShards, show: Callable[[ProgressReader], object] = lambda reader: None
) -> ScoreSummary:
    """Score everything that is not yet scored, and say how it ended.

    Args:
        request: what is asked for.
        run_shards: see there.
        show: called about twice a second while shards run.

    Returns:
        The summary, which is also in the directory; its exit code is 5 if a shard failed, counts do not add up,
        inputs changed or there are too many rejects.

    Raises:
        DataRefused: inputs are missing, cannot be read, or have labels where none are expected, or none.
        UsageError: the directory holds something else, or another job.
        EnvironmentRefused: the directory is busy or cannot be written.
    """
    began = time.monotonic()
    sources = tuple(find_sources(request.inputs))
    asked = Fingerprint(request.model.digest, request.settings, sources)
    with locked(request.output) as check_lock:
        folder = storage_at(absolute_path(request.output))
        known = _known_job(folder, request, asked)
        job = known or _planned(folder, asked, request.model.place)
        tasks = tasks_of(job, folder.root)
        done = done_shards(folder, tasks) if known is not None else {}
        if len(done) == len(tasks) and (finished := _finished(folder)) is not None:
            return finished
        _prepare(folder, tasks, done)
        waiting = [task for task in tasks if task.piece.stem not in done]
        progress = ProgressReader(folder, waiting, len(tasks), sum(task.piece.shard.rows for task in tasks))
        troubles = run_shards(waiting, request.model, lambda: show(progress)) if waiting else []
        left = what_is_left(folder, tasks, done)
        summary = summarise(job, left, request.budget, request.output, request.model.place, troubles)
        _time(summary, left, done, time.monotonic() - began)
        check_lock()
        remove_strays(folder, tasks)
        folder.remove_drafts()  # of workers that an engine lost and replaced
        folder.write(SUMMARY_FILE, summary.to_json().encode())
        if summary.exit_code == 0:
            folder.write(SUCCESS_FILE, b"")
        return summary


def _known_job(folder: Storage, request: ScoreRequest, asked: Fingerprint) -> Job | None:
    """The job to go on with; None for a new one."""
    present = {name: size for name, size in folder.sizes().items() if name.split("/")[0] != LOCK_DIR}
    content = folder.read(JOB_FILE)
    if request.existing == "overwrite":
        _empty(folder, present, content is not None)
        return None
    if not present:
        return None
    if content is None:
        raise UsageError(
            f"{folder.root} is not empty and no scoring directory (it has no {JOB_FILE}): choose another --output."
        )
    if request.existing == "refuse":
        raise UsageError(
            f"{folder.root} holds a scoring job already: go on with it (--resume), replace it (--overwrite), or "
            "choose another --output."
        )
    known = Job.from_json(content, folder.root)
    if found := differences(known, asked):
        raise UsageError(
            f"{folder.root} holds another job: {'; '.join(found)}. Choose another --output, or --overwrite it."
        )
    return known


def _empty(folder: Storage, present: dict[str, int], is_job: bool) -> None:
    """Removes a job's files: first what says that it is whole, last what says that it is a job."""
    if present and not is_job:
        raise UsageError(f"{folder.root} is no scoring directory (it has no {JOB_FILE}), so it is not overwritten.")
    ours = [name for name in present if name.split("/")[0] in ("shards", "parts", "rejects")]
    for name in (SUCCESS_FILE, SUMMARY_FILE, *ours, JOB_FILE):
        folder.remove(name)


def _planned(folder: Storage, asked: Fingerprint, model_place: str) -> Job:
    check_labels(asked.sources, asked.settings.labelled)
    pieces = tuple(plan_sources(asked.sources, asked.settings.shard_bytes, COUNTING_THREADS))
    rows = rows_by_file(pieces)
    if not any(rows.values()):
        raise DataRefused(f"There are no rows in {', '.join(rows)}.")
    check_provenance(asked.sources, rows)
    job = Job(asked, pieces, model_place)
    if changed := changed_inputs(job):
        raise DataRefused(changed)
    folder.write(JOB_FILE, job.to_json().encode())
    return job


def _finished(folder: Storage) -> ScoreSummary | None:
    if folder.read(SUCCESS_FILE) is None:
        return None
    content = folder.read(SUMMARY_FILE)
    return None if content is None else ScoreSummary.from_json(content)


def _prepare(folder: Storage, tasks: Sequence[ShardTask], done: dict[str, ShardRecord]) -> None:
    """Takes away what claims more than is true, and what the dead left."""
    folder.remove(SUCCESS_FILE)
    present = folder.sizes("shards")
    for task in tasks:
        if task.record_name in present and task.piece.stem not in done:
            folder.remove(task.record_name)
    folder.remove_drafts()


def _time(
    summary: ScoreSummary,
    left: dict[str, ShardRecord | ShardFailure | None],
    done: dict[str, ShardRecord],
    seconds: float,
) -> None:
    new = sum(record.rows for stem, record in left.items() if isinstance(record, ShardRecord) and stem not in done)
    summary.shards["done_before"] = len(done)
    summary.seconds = round(seconds, 2)
    summary.rows_per_second = round(new / seconds, 1) if new else None
