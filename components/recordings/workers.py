"""Records prepared by several processes, their results in the order of the records."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from components.errors import DataRefused, EnvironmentRefused
from components.io.signals import ignore_interrupts
from components.recordings.record import RecordJob, RecordResult, prepare_record

Outcome = RecordResult | DataRefused

POLL_SECONDS = 0.5
"""How often progress is passed on while a result is waited for."""

DONE, ROWS, STOP = range(3)
"""What the array that all processes share holds: shares of records done, rows made, and 1 once work shall stop."""

_progress: Any = None
"""In a worker: the shared array."""


def run_jobs(jobs: Sequence[RecordJob], workers: int, advance: Callable[[float, int], None]) -> Iterator[Outcome]:
    """Yield each job's result, or why its record was refused, in the order of the jobs.

    Args:
        jobs: one for each record.
        workers: processes; with 1 the work is done in this one.
        advance: called with shares of records done and rows made since its last call.

    Raises:
        EnvironmentRefused: a process died.
    """
    if workers == 1:
        for job in jobs:
            yield _outcome(job, advance)
        return
    context = multiprocessing.get_context("spawn")
    progress = context.Array("d", 3)
    pool = ProcessPoolExecutor(min(workers, len(jobs)), context, _start_worker, (progress,))
    try:
        futures = [pool.submit(_work, job) for job in jobs]
        sent = [0.0, 0.0, 0.0]
        for future in futures:
            yield _wait(future, progress, sent, advance)
    except BrokenProcessPool as died:
        raise EnvironmentRefused(
            "A process that prepares records died, most likely for want of memory; try again with fewer --workers."
        ) from died
    finally:
        progress[STOP] = 1
        pool.shutdown(wait=True, cancel_futures=True)


def _wait(future: Future[Outcome], progress: Any, sent: list[float], advance: Callable[[float, int], None]) -> Outcome:
    """Return a future's result, passing progress on meanwhile."""
    result = None
    while result is None:
        with contextlib.suppress(NotYet):
            result = future.result(timeout=POLL_SECONDS)
        now = list(progress)
        advance(now[DONE] - sent[DONE], int(now[ROWS] - sent[ROWS]))
        sent[:] = now
    return result


def _outcome(job: RecordJob, advance: Callable[[float, int], None]) -> Outcome:
    try:
        return prepare_record(job, advance)
    except DataRefused as refused:
        return refused


def _work(job: RecordJob) -> Outcome:
    return _outcome(job, _advance)


def _advance(share: float, rows: int) -> None:
    with _progress.get_lock():
        _progress[DONE] += share
        _progress[ROWS] += rows
    if _progress[STOP]:
        raise CancelledError  # the result is no longer needed


def _start_worker(progress: Any) -> None:
    """Keep the shared progress, leave Ctrl-C to the parent, and end when the parent is gone."""
    global _progress  # the initializer is the one way to hand a shared array to a pool's workers
    _progress = progress
    ignore_interrupts()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
