"""One record to parts of the files, and many records in several processes, with their results in order."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from components.beats.cut import CutBeats, CutCounts, beat_windows, concatenated, kaggle_windows
from components.beats.variants import make_variants
from components.errors import DataRefused, EnvironmentRefused
from components.io.csv_numbers import kaggle_text
from components.io.parquet_layout import RECORD
from components.io.parquet_writer import ARCHIVE, LEAD
from components.io.signals import ignore_interrupts
from components.recordings.annotations import Annotations, read_annotations
from components.recordings.detect import find_beats
from components.recordings.lead import Lead
from components.recordings.lead_beats import LeadBeats
from components.recordings.parts import Form, open_part
from components.recordings.signal import LeadReader
from components.recordings.splits import DIGEST_BYTES, Archive, Split

OLDER_ANNOTATIONS = {"102": "102-0"}
"""Record of MIT-BIH -> the older annotation file that Kaggle's rows were cut with."""

DETECTING = 0.3
"""Share of finding beats in the signal in a record's work."""

POLL_SECONDS = 0.5
"""How often the progress of other processes is reported."""

Advance = Callable[[float, int], None]
"""Called with the share of records done and the rows made since its last call."""


@dataclass(frozen=True)
class Recipe:
    """What to make of every record."""

    annotator: str | None  # extension of the annotation files; None to find the beats in the signal
    labels: Mapping[str, int]  # annotation symbol -> class
    split: Split  # which side a beat goes to
    form: Form  # of the files that the parts are joined to
    variants: bool  # whether to make extra rows from those for training

    @property
    def sides(self) -> tuple[str, ...]:
        """Return the sides that a record has rows for."""
        return (*self.split.sides, *(("variants",) if self.variants else ()))


@dataclass(frozen=True)
class RecordJob:
    """One record to make parts of."""

    recipe: Recipe
    archive: Archive
    record: str  # its name in the archive
    lead: Lead
    part: Path  # path that the names of its part files begin with

    @property
    def name(self) -> str:
        """Return the record's name in the files."""
        return self.archive.named(self.record)


@dataclass(frozen=True)
class RecordResult:
    """The result for a record."""

    record: str
    sig_name: str
    counts: CutCounts  # the outcomes of its annotations
    rows: Mapping[str, Counter[int]]  # side -> class, -1 for none -> the record's rows
    digest: bytes  # start of the SHA-256 of its rows among Kaggle's test rows
    symbols: Mapping[str, int]  # annotation symbol -> rows
    interval: float  # median seconds from one of its beats to the next; NaN if it has fewer than two
    near: int  # beats nearer to the one before than beats of a heart can be
    down: int  # rows whose QRS points down
    notes: tuple[str, ...]  # remarks, in sentences


Outcome = RecordResult | DataRefused


def prepare_record(job: RecordJob, advance: Advance) -> Outcome:
    """Write the part files of one record; return its result, or why it cannot be used, with its name.

    Raises:
        OSError: a part cannot be written.
    """
    recipe, notes = job.recipe, [f"Record {job.name}: {note}" for note in job.lead.notes]
    try:
        reader = LeadReader(job.lead)
        if recipe.annotator is None:
            [(annotations, silent)] = find_beats([reader], lambda share: advance(DETECTING * share, 0))
            seconds = float(np.diff(silent).sum())
            if seconds >= 1:
                notes.append(
                    f"Record {job.name}: {seconds:,.0f} s of lead {job.lead.sig_name} hold no ECG, so no beats."
                )
        else:
            annotations = _annotated(job, recipe.annotator, notes)
        find_windows = kaggle_windows if job.archive.mitdb and recipe.annotator else beat_windows
        beats = LeadBeats(reader, annotations, recipe.labels, find_windows)
        rows, digest = _write_parts(job, beats, advance)
    except DataRefused as refused:
        return DataRefused([f"Record {job.name}: {sentence}" for sentence in refused.sentences])
    counts = beats.counts()
    if not counts.rows:
        kind = "beats were found" if recipe.annotator is None else f"beats with a class are in its {recipe.annotator}"
        notes.append(f"Record {job.name}: no {kind} that could be cut from lead {job.lead.sig_name}.")
    return RecordResult(
        record=job.name,
        sig_name=job.lead.sig_name,
        counts=counts,
        rows=rows,
        digest=digest,
        symbols=beats.symbols(),
        interval=beats.median_interval(),
        near=beats.near,
        down=beats.pointing_down,
        notes=tuple(notes),
    )


def _annotated(job: RecordJob, annotator: str, notes: list[str]) -> Annotations:
    """Read the record's annotations; add remarks on them to the notes."""
    stem = job.archive.folder / job.record
    if job.archive.mitdb and annotator == "atr" and job.record in OLDER_ANNOTATIONS:
        older = stem.with_name(OLDER_ANNOTATIONS[job.record])
        if older.with_name(f"{older.name}.atr").is_file():
            stem = older
        else:
            notes.append(
                f"{older.name}.atr is not in {job.archive.folder}; {job.record}.atr is used for record {job.record} "
                "instead, which is newer than what Kaggle's rows were cut by."
            )
    return read_annotations(stem, annotator, job.lead)


def _write_parts(job: RecordJob, beats: LeadBeats, advance: Advance) -> tuple[dict[str, Counter[int]], bytes]:
    """Cut the record block by block and write the rows of each side; return `rows` and `digest` of RecordResult."""
    recipe = job.recipe
    rows = {name: Counter[int]() for name in recipe.sides}
    training: list[CutBeats] = []
    digest = hashlib.sha256()
    origin = {RECORD: job.name, LEAD: job.lead.sig_name, ARCHIVE: job.archive.name}
    labelled, cutting = (True, 1.0) if recipe.annotator else (False, 1 - DETECTING)
    with ExitStack() as stack:
        write = {
            name: stack.enter_context(open_part(recipe.form, job.part, name, origin, labelled=labelled))
            for name in rows
        }
        for share, block in beats.blocks(with_context=recipe.form == "parquet"):
            for name, mask in recipe.split.masks(job.name, block.sample).items():
                chosen = block.take(mask)
                write[name](chosen)
                if name == "test" and recipe.split.kind == "kaggle":
                    digest.update(kaggle_text(chosen.signal, chosen.label).reshape(-1).data)
                rows[name].update(chosen.label.tolist())
                if recipe.variants and name != "test":
                    training.append(chosen)
            advance(cutting * share, len(block))
        for made in _variants(job, beats, concatenated(training)) if any(map(len, training)) else ():
            write["variants"](made)
            rows["variants"].update(made.label.tolist())
    return rows, digest.digest()[:DIGEST_BYTES]


def _variants(job: RecordJob, beats: LeadBeats, training: CutBeats) -> Iterator[CutBeats]:
    """Yield rows made from a record's beats for training."""
    samples = beats.annotations.sample[beats.beats]
    for variant in make_variants(beats.shapes, beats.labels(beats.beats), job.name):
        row = np.minimum(np.searchsorted(training.sample, samples[variant.beat]), len(training) - 1)
        usable = (training.sample[row] == samples[variant.beat]) & (variant.label >= 0)
        made = training.take(row[usable])
        yield replace(made, context=variant.context[usable], label=variant.label[usable])


DONE, ROWS, STOP = range(3)
"""The array shared by all processes: shares of records done, rows made, and 1 when work shall stop."""

_progress: Any = None
"""In a worker: the shared array."""


def prepare_records(jobs: Sequence[RecordJob], workers: int, advance: Advance) -> Iterator[Outcome]:
    """Yield each job's result, or why its record was refused, in the order of the jobs.

    With one worker the work is done in this process.

    Raises:
        EnvironmentRefused: a process died.
    """
    if workers == 1:
        yield from (prepare_record(job, advance) for job in jobs)
        return
    context = multiprocessing.get_context("spawn")
    progress = context.Array("d", 3)
    pool = ProcessPoolExecutor(min(workers, len(jobs)), context, _start_worker, (progress,))
    try:
        futures = [pool.submit(prepare_record, job, _advance) for job in jobs]
        before = [0.0, 0.0]
        for future in futures:
            ended = False
            while not ended:
                ended = future in wait([future], POLL_SECONDS).done
                now = progress[:]
                advance(now[DONE] - before[DONE], int(now[ROWS] - before[ROWS]))
                before = now
            yield future.result()
    except BrokenProcessPool as died:
        raise EnvironmentRefused(
            "A process that prepares records died, most likely for want of memory; try again with fewer --workers."
        ) from died
    finally:
        progress[STOP] = 1
        pool.shutdown(wait=True, cancel_futures=True)


def _advance(share: float, rows: int) -> None:
    with _progress.get_lock():
        _progress[DONE] += share
        _progress[ROWS] += rows
    if _progress[STOP]:
        raise CancelledError  # the result is no longer needed


def _start_worker(progress: Any) -> None:
    """Keep the shared progress, leave Ctrl-C to the parent, and end when the parent is gone."""
    global _progress  # the only way to pass a shared array to a pool's workers is the initializer
    _progress = progress
    ignore_interrupts()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
