"""An archive to CSVs: one job a record, then the parts put together under the final names, all or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from components.beat import CLASSES
from components.beats.cut import CutCounts
from components.beats.kaggle import TEST_FILE, TEST_PROVENANCE, TRAIN_FILE, TRAIN_PROVENANCE
from components.beats.synthetic import MARKER
from components.errors import DataRefused, EnvironmentRefused, UsageError
from components.recordings.archive import is_mitdb, list_records
from components.recordings.assemble import join_in_kaggle_order, join_parts, publish
from components.recordings.record import RecordJob, RecordResult
from components.recordings.report import FileCount, PrepareReport, kaggle_sentences
from components.recordings.scratch import made_folder, scratch_folder
from components.recordings.settings import PrepareSettings
from components.recordings.splits import KaggleSplit, Split, choose_split
from components.recordings.workers import run_jobs

DETECTED_FILE = "beats.csv"
DETECTED_PROVENANCE = "beats_provenance.csv"

Advance = Callable[[float, int], None]


def prepare(settings: PrepareSettings, start: Callable[[int], Advance]) -> PrepareReport:
    """Make the CSVs of an archive.

    Args:
        settings: what to do.
        start: told how many records there are, returns what is to be told of progress.

    Raises:
        UsageError: the split does not fit, or the folder holds the synthetic demo set or CSVs as .gz.
        DataRefused: the archive holds no record, or one that cannot be used while skip_bad is off, or no beat.
        EnvironmentRefused: the folder cannot be written, a file cannot be read, or a worker process died.
    """
    present = list_records(settings.wfdb)
    split = _split(settings, present)
    records = split.records if split else tuple(name for name in present if name not in settings.exclude)
    if not records:
        raise UsageError("Every record is excluded; nothing is left to prepare.")
    _refuse_foreign(settings.out)
    try:
        with made_folder(settings.out), scratch_folder(settings.out) as scratch:
            return _prepare(settings, split, records, is_mitdb(present), scratch, start(len(records)))
    except OSError as error:
        told = error.strerror or error
        if error.filename is None or Path(error.filename) == settings.out:
            raise EnvironmentRefused(f"{settings.out} cannot be written: {told}.") from error
        raise EnvironmentRefused(f"{error.filename} cannot be read or written: {told}.") from error


def _refuse_foreign(out: Path) -> None:
    """Refuse a folder whose files would not go with what is made."""
    if (out / MARKER).exists():
        raise UsageError(f"{out} holds the synthetic demo set; give real beats a folder of their own.")
    for packed in (out / f"{name}.gz" for name in (TRAIN_FILE, TEST_FILE, DETECTED_FILE)):
        if packed.exists():
            raise UsageError(f"{packed} would be taken for a part of the result: remove it, or give another --out.")


def _split(settings: PrepareSettings, present: tuple[str, ...]) -> Split | None:
    """How the beats are parted; None for detected ones, which go into one file."""
    if not settings.detect:
        return choose_split(settings.split, present, settings.exclude, settings.seed)
    if settings.split:
        raise UsageError("--detect writes one file of beats without labels, so --split has no meaning with it.")
    return None


def _prepare(
    settings: PrepareSettings,
    split: Split | None,
    records: tuple[str, ...],
    mitdb: bool,
    scratch: Path,
    advance: Advance,
) -> PrepareReport:
    """Run the jobs and put their parts together."""
    jobs = [
        RecordJob(
            folder=settings.wfdb,
            record=record,
            lead=settings.lead,
            annotator=None if settings.detect else settings.annotator,
            split=split,
            mitdb=mitdb,
            parts=scratch / f"{number:06d}",
        )
        for number, record in enumerate(records)
    ]
    results: list[tuple[RecordJob, RecordResult]] = []
    skipped: list[str] = []
    for job, outcome in zip(jobs, run_jobs(jobs, settings.workers, advance), strict=True):
        if isinstance(outcome, RecordResult):
            results.append((job, outcome))
        elif settings.skip_bad:
            skipped.extend(outcome.sentences)
        else:
            raise DataRefused(
                [*outcome.sentences, "Leave such records out with --skip-bad, or this one with --exclude."]
            )
    return _put_together(settings, split, results, tuple(skipped), scratch)


def _put_together(
    settings: PrepareSettings,
    split: Split | None,
    results: Sequence[tuple[RecordJob, RecordResult]],
    skipped: tuple[str, ...],
    scratch: Path,
) -> PrepareReport:
    """Join the parts of every side, check, publish, and report."""
    sides = {"beats": (DETECTED_FILE, DETECTED_PROVENANCE)}
    if split is not None:
        sides = {"train": (TRAIN_FILE, TRAIN_PROVENANCE), "test": (TEST_FILE, TEST_PROVENANCE)}
    files, sentences = [], list(split.sentences if split else ())
    for side, (rows_name, provenance_name) in sides.items():
        rows = sum(result.sides[side].rows for _, result in results)
        classes = sum((result.sides[side].classes for _, result in results), np.zeros(len(CLASSES), np.int64))
        if rows == 0:
            raise DataRefused([f"No beat is left for {rows_name}.", *skipped])
        parts = [job.parts for job, _ in results]
        join = join_in_kaggle_order if side == "test" and isinstance(split, KaggleSplit) else join_parts
        digest = join(parts, side, scratch / rows_name, scratch / provenance_name)
        files.append(FileCount(rows_name, rows, tuple(classes.tolist()) if split else None, digest))
    for _, result in results:
        sentences.extend(result.warnings)
    if isinstance(split, KaggleSplit):
        sentences.extend(kaggle_sentences(files[1].sha256, [result for _, result in results], settings))
    publish(scratch, settings.out, list(sides.values()))
    return PrepareReport(
        files=tuple(files),
        records=len(results),
        counts=sum((result.counts for _, result in results), CutCounts()),
        flat={result.record: result.counts.flat for _, result in results if result.counts.flat},
        missing={result.record: result.counts.missing for _, result in results if result.counts.missing},
        sentences=tuple(sentences),
        skipped=skipped,
    )
