"""A whole scoring job: lock the directory, plan or resume, run the shards, reconcile, judge."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from components.errors import DataRefused, UsageError
from components.io.lock import LOCK_DIR, locked
from components.io.storage import Storage, absolute_path, check_name, storage_at
from components.score.inputs import check_context, find_inputs, plan_shards
from components.score.job import JOB_FILE, Fingerprint, Job, ShardTask, differences
from components.score.model import ModelRef, check_native, choose_precision, is_synthetic
from components.score.record import ShardRecord
from components.score.resume import RESULT_FOLDERS, ProgressReader, done_shards, read_outcomes, remove_strays
from components.score.settings import RejectBudget, ScoreSettings
from components.score.summary import SUCCESS_FILE, SUMMARY_FILE, ScoreSummary, changed_inputs, summarise
from components.train.served import Precision
from components.verdict import MADE_OF_SYNTHETIC

RunShards = Callable[[Sequence[ShardTask], ModelRef, Callable[[], object]], list[str]]
"""Runs every shard, anywhere, and returns when all have ended, with sentences about failures of the job as a whole.
Calls the given function about twice a second meanwhile."""


@dataclass(frozen=True)
class ScoreRequest:
    """A request for a scoring job."""

    inputs: tuple[str, ...]
    output: str
    model: ModelRef
    settings: ScoreSettings
    existing: Literal["refuse", "resume", "overwrite"]  # what to do with a directory that is not empty
    budget: RejectBudget
    here: bool = True  # whether all workers are processes of this machine


def score(
    request: ScoreRequest, run_shards: RunShards, show: Callable[[ProgressReader], object] = lambda reader: None
) -> ScoreSummary:
    """Score everything that is not yet scored; `show` is called about twice a second meanwhile.

    Returns:
        The summary, also written to the directory; its exit code is 5 if a shard failed, counts do not add up,
        inputs changed or there are too many rejects.

    Raises:
        DataRefused: inputs are missing, cannot be read, or have labels where none are expected, or none.
        UsageError: the directory holds something else, or another job; inputs lack the context that the model reads;
            it is not released in the precision, or this machine's processor does not compute it.
        EnvironmentRefused: the directory is busy or cannot be written.
    """
    began = time.monotonic()
    fingerprint = fingerprint_of(request)
    with locked(request.output) as check_lock:
        folder = storage_at(absolute_path(request.output))
        known = known_job(folder, request, fingerprint)
        if request.existing == "overwrite":
            _empty(folder)
        job = known or _planned_job(folder, fingerprint, request.model.uri)
        tasks = job.tasks(folder.root)
        done = done_shards(folder, tasks) if known is not None else {}
        if len(done) == len(tasks) and (finished := _finished(folder)) is not None:
            return finished
        precision = cast(Precision, job.fingerprint.settings.precision)
        if request.here:
            check_native(precision)
        _clean_up(folder, tasks, done)
        waiting = [task for task in tasks if task.shard.stem not in done]
        progress = ProgressReader(folder, waiting, tasks)
        model = replace(
            request.model,
            computing=next((record.computing for record in done.values()), None),
            precision=precision,
        )
        troubles = run_shards(waiting, model, lambda: show(progress)) if waiting else []
        outcomes = read_outcomes(folder, tasks, done)
        summary = summarise(job, outcomes, request.budget, request.output, request.model.uri, troubles)
        seconds = time.monotonic() - began
        rows = summary.rows["read"] - sum(record.rows for record in done.values())
        summary.shards["done_before"] = len(done)
        summary.seconds = round(seconds, 2)
        if is_synthetic(request.model.uri):
            summary.remarks.insert(0, MADE_OF_SYNTHETIC)
        summary.rows_per_second = round(rows / seconds, 1) if rows else None
        check_lock()
        remove_strays(folder, tasks)
        folder.remove_drafts()  # of workers that an engine lost and replaced
        folder.write(SUMMARY_FILE, summary.to_json().encode())
        if summary.exit_code == 0:
            folder.write(SUCCESS_FILE, b"")
        return summary


def fingerprint_of(request: ScoreRequest) -> Fingerprint:
    """Find the inputs of a job and choose its precision; nothing is written.

    Raises:
        DataRefused, UsageError: as `score`, for the inputs and the precision; the directory's name is not UTF-8.
    """
    check_name(request.output)
    precision = choose_precision(request.settings.precision, request.model.uri, request.here)
    settings = request.settings.model_copy(update={"precision": precision})
    inputs = find_inputs(request.inputs, settings)
    check_context(inputs, request.model)
    return Fingerprint(request.model.digest, settings, inputs)


def known_job(folder: Storage, request: ScoreRequest, fingerprint: Fingerprint) -> Job | None:
    """Return the job to resume, None for a new one; nothing is written.

    Raises:
        UsageError: the directory holds something else, or another job.
    """
    names = _names(folder)
    if not names:
        return None
    content = folder.read(JOB_FILE)
    if request.existing == "overwrite":
        if content is None:
            raise UsageError(f"{folder.root} is no scoring directory (it has no {JOB_FILE}), so it is not overwritten.")
        return None
    if content is None:
        raise UsageError(
            f"{folder.root} is not empty and no scoring directory (it has no {JOB_FILE}): choose another --output."
        )
    if request.existing == "refuse":
        raise UsageError(
            f"{folder.root} already holds a scoring job: continue it (--resume), replace it (--overwrite), or "
            "choose another --output."
        )
    known = Job.from_json(content, folder.root)
    ignored = {"precision"} if request.settings.precision == "auto" else set()
    if clauses := differences(known, fingerprint, ignored):
        raise UsageError(
            f"{folder.root} holds another job: {'; '.join(clauses)}. Choose another --output, or --overwrite it."
        )
    return known


def _names(folder: Storage) -> list[str]:
    return [name for name in folder.sizes() if name.split("/")[0] != LOCK_DIR]


def _empty(folder: Storage) -> None:
    """Remove a job's files: first the mark that it is complete, last the file that makes it a job."""
    results = [name for name in _names(folder) if name.split("/")[0] in RESULT_FOLDERS]
    for name in (SUCCESS_FILE, SUMMARY_FILE, *results, JOB_FILE):
        folder.remove(name)


def _planned_job(folder: Storage, fingerprint: Fingerprint, model_uri: str) -> Job:
    job = Job(fingerprint, plan_shards(fingerprint.inputs, fingerprint.settings), model_uri)
    if sentences := changed_inputs(job):
        raise DataRefused(sentences)
    folder.write(JOB_FILE, job.to_json().encode())
    return job


def _finished(folder: Storage) -> ScoreSummary | None:
    if folder.read(SUCCESS_FILE) is None:
        return None
    content = folder.read(SUMMARY_FILE)
    try:
        return None if content is None else ScoreSummary.from_json(content, folder.root)
    except DataRefused:  # it is written again
        return None


def _clean_up(folder: Storage, tasks: Sequence[ShardTask], done: Mapping[str, ShardRecord]) -> None:
    """Remove _SUCCESS, records that do not agree with their files, and drafts of killed processes."""
    folder.remove(SUCCESS_FILE)
    present = folder.sizes("shards")
    for task in tasks:
        if task.record_name in present and task.shard.stem not in done:
            folder.remove(task.record_name)
    folder.remove_drafts()
