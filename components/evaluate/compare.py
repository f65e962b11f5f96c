"""Two sets of annotations of the same records, compared by EC57: per record, and added up."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import numpy as np

from components.errors import DataRefused, UsageError
from components.evaluate.ec57 import LETTERS, LONGEST_RUN, Comparison, beats_of, compare_beats, window_samples
from components.io.local_storage import files_below
from components.recordings.annotations import read_annotation_file
from components.recordings.header import header_path, read_header

NO_ANNOTATIONS: Final = {"", ".hea", ".dat", ".edf", ".csv", ".json", ".html", ".parquet"}
"""Extensions of a record's other files."""

SIDE_BY_SIDE: Final = 16
"""From this many records, several processes compare them; starting these takes a second."""


@dataclass(frozen=True)
class Job:
    """One record to compare: its name, and its two annotation files."""

    name: str
    reference: Path
    test: Path


@dataclass(frozen=True)
class Skipped:
    """A record that is not compared, and why."""

    name: str
    reason: str


def find_jobs(
    reference: Path, test: Path, reference_annotator: str, test_annotator: str | None
) -> tuple[list[Job], list[Skipped]]:
    """Return the records of both sides, two annotation files or two folders, and those of one side only.

    The annotators are extensions of the files in a folder; for the test, None is the only one there.

    Raises:
        UsageError: one is a file and the other a folder, or the extension is not given and is ambiguous.
        DataRefused: there is no such file, or there are none in the folder.
    """
    if reference.is_dir() != test.is_dir():
        raise UsageError(f"{reference} and {test} must both be annotation files, or both folders of them.")
    if not reference.is_dir():
        return [Job(reference.stem, reference, test)], []
    true = _files(reference, reference_annotator)
    called = _files(test, test_annotator or _only_annotator(test, true.keys()))
    jobs = [Job(name, true[name], called[name]) for name in sorted(true.keys() & called.keys())]
    skipped = [Skipped(name, f"{test} has no annotations of it") for name in sorted(true.keys() - called.keys())]
    skipped += [Skipped(name, f"{reference} has no annotations of it") for name in sorted(called.keys() - true.keys())]
    if not jobs:
        raise DataRefused(f"{reference} and {test} have no record in common, such as {sorted(true)[0]}.")
    return jobs, skipped


def _files(folder: Path, annotator: str) -> dict[str, Path]:
    extension = annotator.lstrip(".")
    files = {
        os.path.relpath(path.with_suffix(""), folder): path
        for path in map(Path, files_below(str(folder)))
        if path.name.endswith(f".{extension}")
    }
    if not files:
        raise DataRefused(f"{folder} holds no annotation file *.{extension}; name another annotator.")
    return files


def _only_annotator(folder: Path, records: Collection[str]) -> str:
    """Return the one annotation extension that files of these records have."""
    files = [os.path.splitext(path) for path in files_below(str(folder))]
    found = {extension for stem, extension in files if os.path.relpath(stem, folder) in records}
    extensions = sorted(found - NO_ANNOTATIONS)
    if not extensions:
        raise DataRefused(f"{folder} holds no annotations of the records that are to be compared.")
    if len(extensions) > 1:
        raise UsageError(f"{folder} holds {', '.join(extensions)}: name the one to compare with --test-annotator.")
    return extensions[0]


def compare_record(job: Job, labels: Mapping[str, int], from_seconds: float) -> Comparison | Skipped:
    """Compare one record from a given second on, or say why that is impossible.

    Its header is beside one of its files, unless these give their sampling frequency.
    """
    try:
        reference, test = read_annotation_file(job.reference), read_annotation_file(job.test)
        stems = [path.with_suffix("") for path in (job.reference, job.test)]
        header = next((read_header(stem) for stem in stems if header_path(stem).is_file()), None)
    except DataRefused as refused:
        return Skipped(job.name, "; ".join(refused.sentences).rstrip("."))
    fs = header.fs if header else reference.fs or test.fs
    if fs is None:
        return Skipped(job.name, "it has no header, and its annotation files do not say their sampling frequency")
    start = round(from_seconds * fs)
    files = [(file, float(fs / (file.fs or fs))) for file in (reference, test)]
    end = header.sig_len if header else 0
    end = end or max((file.ticks[-1] * ratio for file, ratio in files if len(file.ticks)), default=0)
    if end <= start:
        return Skipped(job.name, f"it ends after {float(end / fs):.0f} s, before the first second that is scored")
    window = window_samples(float(fs))
    true, called = (beats_of(file, labels, ratio, window) for file, ratio in files)
    return compare_beats(true, called, float(fs), start)


def compare_all(jobs: Sequence[Job], labels: Mapping[str, int], from_seconds: float) -> Iterator[Comparison | Skipped]:
    """Yield the result for each record, in order."""
    compare = partial(compare_record, labels=dict(labels), from_seconds=from_seconds)
    if len(jobs) < SIDE_BY_SIDE:
        yield from map(compare, jobs)
        return
    with ProcessPoolExecutor() as pool:
        yield from pool.map(compare, jobs, chunksize=min(64, -(-len(jobs) // SIDE_BY_SIDE)))


def add_up(records: Iterable[Comparison]) -> Comparison:
    """Add up the counts of records."""
    side = LONGEST_RUN + 1
    none = Comparison(np.zeros((len(LETTERS),) * 2, np.int64), 0, 0.0, np.zeros((2, 2, side, side), np.int64))
    return sum(records, none)


def average(each: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """Return EC57's average statistics: means over the records in which they are defined."""
    defined = {name: [known for one in each if (known := one[name]) is not None] for name in each[0]}
    return {name: fmean(values) if values else None for name, values in defined.items()}


def shares(comparison: Comparison) -> dict[str, float | None]:
    """Return EC57's statistics of one record, and the error of its RR intervals in ms; the gross ones of a sum."""
    ratios = {name: hits / of if of else None for name, (hits, of) in comparison.ratios().items()}
    return {**ratios, "RR error": comparison.rr_rms_ms}


def as_dict(records: Mapping[str, Comparison], skipped: Sequence[Skipped]) -> dict[str, Any]:
    """Return the whole result as plain values, for JSON."""
    total = add_up(records.values())
    return {
        "letters": list(LETTERS),
        "records": [
            {"record": name, **record.to_dict(), "ratios": record.ratios()} for name, record in records.items()
        ],
        "sum": {**total.to_dict(), "ratios": total.ratios()},
        "gross": shares(total),
        "average": average([shares(record) for record in records.values()]),
        "skipped": [{"record": each.name, "reason": each.reason} for each in skipped],
    }
