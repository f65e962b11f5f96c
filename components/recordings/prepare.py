"""An archive to CSVs: one job a record, then the parts put together under the final names, all or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import Field

from components.beat import CLASSES
from components.beats.cut import CutCounts
from components.beats.kaggle import TEST_FILE, TEST_PROVENANCE, TEST_SHA256, TRAIN_FILE, TRAIN_PROVENANCE
from components.beats.synthetic import MARKER
from components.errors import DataRefused, EnvironmentRefused, UsageError
from components.recordings.archive import list_records
from components.recordings.output import join_in_kaggle_order, join_parts, made_folder, publish, scratch_folder
from components.recordings.record import RecordJob, RecordResult
from components.recordings.splits import KaggleSplit, Split, choose_split, is_mitdb, kaggle_rows
from components.recordings.workers import run_jobs
from components.settings import Settings

DETECTED_FILE = "beats.csv"
DETECTED_PROVENANCE = "beats_provenance.csv"

Advance = Callable[[float, int], None]


class PrepareSettings(Settings):
    """One preparation of an archive."""

    wfdb: Path = Field(description="folder of the WFDB records")
    out: Path = Field(description="folder that the CSVs are written to")
    split: str | None = Field(None, description="kaggle, patient or record:FRACTION; None is kaggle for MIT-BIH")
    seed: int = Field(0, description="which records a record:FRACTION split draws")
    lead: str = Field("0", description="name or index of the lead; the first is the one that Kaggle's files hold")
    annotator: str = Field("atr", description="extension of the annotation files; atr is PhysioNet's reference")
    detect: bool = Field(False, description="find the beats in the signal instead of reading annotations")
    exclude: tuple[str, ...] = Field((), description="records to leave out")
    skip_bad: bool = Field(False, description="go on without the records that cannot be used, and list them")
    workers: int = Field(1, ge=1, description="processes; their number changes no byte of the result")


@dataclass(frozen=True)
class FileCount:
    """One CSV: its name, rows, rows of each class (None without labels) and SHA-256."""

    name: str
    rows: int
    classes: tuple[int, ...] | None
    sha256: str


@dataclass(frozen=True)
class PrepareReport:
    """What came of a preparation.

    Attributes:
        files: the CSVs.
        records: how many records they hold.
        counts: what became of all annotations.
        flat: record -> positions of beats whose window is flat.
        missing: record -> positions of beats whose window lacks a sample.
        sentences: what else there is to know.
        skipped: why each record that was left out was.
    """

    files: tuple[FileCount, ...]
    records: int
    counts: CutCounts
    flat: Mapping[str, tuple[int, ...]]
    missing: Mapping[str, tuple[int, ...]]
    sentences: tuple[str, ...]
    skipped: tuple[str, ...]


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


def kaggle_sentences(sha256: str, results: Sequence[RecordResult], settings: PrepareSettings) -> list[str]:
    """Whether the test file is Kaggle's, and if not, which records make the difference.

    Args:
        sha256: of the test file.
        results: of the records that are in it.
        settings: what was asked for.
    """
    if sha256 == TEST_SHA256:
        return [f"mitbih_test.csv is byte for byte Kaggle's: its SHA-256 is {sha256}."]
    sentences = [f"mitbih_test.csv is not Kaggle's: its SHA-256 is {sha256}, Kaggle's is {TEST_SHA256}."]
    listed = kaggle_rows()
    there = {result.record: result for result in results}
    absent = [name for name in listed.names if name not in there]
    if absent:
        rows = sum(len(listed.samples_of(name)) for name in absent)
        sentences.append(f"It lacks {_named(absent)}, {rows:,} rows.")
    lead = "" if settings.lead == "0" else f" (lead {settings.lead} was asked for, Kaggle's rows are of the first)"
    differing = []
    for name, result in there.items():
        expected, found = len(listed.samples_of(name)), result.sides["test"].rows
        if found != expected:
            sentences.append(f"Record {name}: {found} of its {expected} rows in Kaggle's test file were found.")
        elif result.sides["test"].digest != listed.digests[name]:
            differing.append(name)
    if differing:
        which = "all records" if len(differing) == len(there) else _named(differing)
        sentences.append(f"Rows with other values{lead}: {which}.")
    return sentences


def _named(records: Sequence[str]) -> str:
    return f"record{'s' if len(records) > 1 else ''} {', '.join(records)}"
