"""The result of `heartbeat prepare`, in numbers and sentences."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.beats.cut import NEAREST_SECONDS, CutCounts
from components.beats.kaggle import TEST_SHA256, has_kaggle_beats
from components.errors import counted
from components.io.storage import find_file
from components.recordings.record import RecordResult
from components.recordings.splits import kaggle_rows

BEAT_SECONDS = (0.25, 2.5)
"""Plausible median intervals between beats: 240 to 24 a minute."""

COMMONEST = 0.99
"""If one symbol has at least this share of all beats, it looks like a detector's output."""

NAMED = 5
"""Maximum number of records or leads that a sentence names."""


@dataclass(frozen=True)
class FileCount:
    """One file of beats: its name, rows, rows of each class (None without labels) and SHA-256."""

    name: str
    rows: int
    classes: tuple[int, ...] | None
    sha256: str


@dataclass(frozen=True)
class PrepareReport:
    """The result of a preparation."""

    files: tuple[FileCount, ...]
    counts_of: Mapping[str, CutCounts]  # record in the files -> the outcomes of its annotations
    sentences: tuple[str, ...]  # remarks for the user
    skipped: tuple[str, ...]  # why records were left out

    @property
    def counts(self) -> CutCounts:
        """Return the outcomes of all annotations."""
        return sum(self.counts_of.values(), CutCounts())


def label_sentences(results: Sequence[RecordResult], annotator: str) -> list[str]:
    """Warn of annotations that do not look like beats, or like labels."""
    sentences = []
    odd = [result for result in results if not _is_heart_rate(result.interval)]
    if odd:
        named = ", ".join(f"{result.record} {result.interval:.3g} s" for result in odd[:NAMED])
        more = f" and {len(odd) - NAMED} more" if len(odd) > NAMED else ""
        sentences.append(
            f"Warning: the annotations {annotator} of {len(odd)} of {counted(len(results), 'record')} lie too "
            f"far apart, or too close, for beats (median {named}{more}): do they mark beats?"
        )
    near = [result for result in results if result.near]
    if near:
        total = sum(result.near for result in near)
        named = ", ".join(f"{result.record} {result.near:,}" for result in near[:NAMED])
        more = f" and {len(near) - NAMED} more" if len(near) > NAMED else ""
        sentences.append(
            f"Warning: {counted(total, 'beat')} of {counted(len(near), 'record')} {'lies' if total == 1 else 'lie'} "
            f"within {NEAREST_SECONDS} s of the one before, nearer than a heart beats ({named}{more}): were they "
            f"annotated twice in {annotator}?"
        )
    symbols: Counter[str] = sum((Counter(result.symbols) for result in results), Counter())
    if symbols:
        symbol, rows = symbols.most_common(1)[0]
        if rows >= COMMONEST * symbols.total():
            sentences.append(
                f"Warning: {rows / symbols.total():.1%} of the beats have the symbol {symbol}: if a detector wrote "
                f"{annotator}, its symbols are no labels."
            )
    return sentences


def _is_heart_rate(seconds: float) -> bool:
    return math.isnan(seconds) or BEAT_SECONDS[0] <= seconds <= BEAT_SECONDS[1]


def polarity_sentence(results: Sequence[RecordResult]) -> str:
    """Say for each lead how many of its beats have a QRS that points down."""
    rows: Counter[str] = Counter()
    down: Counter[str] = Counter()
    for result in results:
        rows[result.sig_name] += result.counts.rows
        down[result.sig_name] += result.down
    shares = [
        f"{down[name] / count:.0%} of {count:,} in lead {name}" for name, count in rows.most_common(NAMED) if count
    ]
    return f"Beats whose QRS points down: {', '.join(shares)}{', ...' if len(rows) > NAMED else ''}."


def kaggle_sentences(path: Path, sha256: str, results: Sequence[RecordResult], lead: str) -> list[str]:
    """Say whether a test file holds Kaggle's rows, and if not, which records differ.

    Args:
        path: of the file, CSV or Parquet.
        sha256: of its bytes.
        results: of the records that it was made from.
        lead: the requested one.
    """
    if path.suffix == ".parquet":
        file = find_file(str(path))
        assert file is not None, path
        if has_kaggle_beats(file):
            return [f"{path.name} holds the rows of Kaggle's mitbih_test.csv, every value and in its order."]
        sentences = [f"{path.name} does not hold the rows of Kaggle's mitbih_test.csv."]
    elif sha256 == TEST_SHA256:
        return [f"{path.name} is byte for byte Kaggle's: its SHA-256 is {sha256}."]
    else:
        sentences = [f"{path.name} is not Kaggle's: its SHA-256 is {sha256}, Kaggle's is {TEST_SHA256}."]
    listed = kaggle_rows()
    by_name = {result.record: result for result in results}
    absent = [name for name in listed.names if name not in by_name]
    if absent:
        lacking = sum(len(listed.samples_of(name)) for name in absent)
        sentences.append(f"It lacks {_named(absent)}, {counted(lacking, 'row')}.")
    other = "" if lead == "0" else f" (lead {lead} was requested; Kaggle's rows are from the first)"
    differing = []
    for name, result in by_name.items():
        expected, rows = len(listed.samples_of(name)), result.rows["test"].total()
        if rows != expected:
            sentences.append(
                f"Record {name}: {rows} of its {counted(expected, 'row')} in Kaggle's test file were found."
            )
        elif result.digest != listed.digests[name]:
            differing.append(name)
    if differing:
        which = "all records" if len(differing) == len(by_name) else _named(differing)
        sentences.append(f"Rows with other values{other}: {which}.")
    return sentences


def _named(records: Sequence[str]) -> str:
    return f"record{'s' if len(records) > 1 else ''} {', '.join(records)}"
