"""What came of a preparation, in numbers and in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.beats.cut import CutCounts
from components.beats.kaggle import TEST_SHA256
from components.recordings.kaggle_rows import kaggle_rows
from components.recordings.record import RecordResult
from components.recordings.settings import PrepareSettings


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
