"""One record to rows: read, resample, find or read its beats, cut, and write the text of either side."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, SYMBOL_TO_LABEL
from components.beats.cut import CutBeats, CutCounts, cut_windows, find_windows, gather
from components.errors import DataRefused
from components.io.csv_numbers import kaggle_text
from components.io.provenance import provenance_text
from components.recordings.annotations import Annotations, read_annotations
from components.recordings.detect import detect_beats
from components.recordings.header import Lead, open_lead
from components.recordings.signal import LeadReader, Rate, resample
from components.recordings.splits import DIGEST_BYTES, Split

OLDER_ANNOTATIONS = {"102": "102-0"}
"""Record of MIT-BIH -> the older annotation file that Kaggle's rows were cut by."""

DETECTING = 0.6
"""Share of a record's work that finding its beats in the signal is."""


@dataclass(frozen=True)
class RecordJob:
    """What to make of one record.

    Attributes:
        folder: where the archive lies.
        record: its name.
        lead: name or index of the lead.
        annotator: extension of the annotation files; None to find the beats in the signal.
        split: which side a beat goes to; None where there is one side only.
        mitdb: whether the archive is MIT-BIH.
        parts: path that the parts are written to, `.<side>.csv` and `.<side>.provenance` appended.
    """

    folder: Path
    record: str
    lead: str
    annotator: str | None
    split: Split | None
    mitdb: bool
    parts: Path


@dataclass
class Side:
    """What a record gave to one file: rows, rows of each class, and the start of the rows' SHA-256."""

    rows: int = 0
    classes: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(CLASSES), np.int64))
    digest: bytes = b""


@dataclass(frozen=True)
class RecordResult:
    """What became of a record.

    Attributes:
        record: its name.
        counts: what became of its annotations.
        sides: side -> what it was given.
        warnings: sentences.
    """

    record: str
    counts: CutCounts
    sides: dict[str, Side]
    warnings: tuple[str, ...]


def prepare_record(job: RecordJob, advance: Callable[[float, int], None]) -> RecordResult:
    """Write the rows of one record.

    Args:
        job: what to do.
        advance: told the share of the record that was done since the last call, and the rows that came of it.

    Raises:
        DataRefused: the record cannot be used; the sentence names it.
        OSError: a part cannot be written.
    """
    try:
        lead = open_lead(job.folder / job.record, job.lead)
        reader = LeadReader(lead)
        annotations, warnings = _find_beats(job, lead, reader, advance)
        counts, sides = _write_rows(job, lead, reader, annotations, advance)
        reader.finish()
    except DataRefused as refused:
        raise DataRefused([f"Record {job.record}: {sentence}" for sentence in refused.sentences]) from refused
    return RecordResult(job.record, counts, sides, warnings)


def _find_beats(
    job: RecordJob, lead: Lead, reader: LeadReader, advance: Callable[[float, int], None]
) -> tuple[Annotations, tuple[str, ...]]:
    """The record's annotations, read or detected, and what a person should know of them."""
    if job.annotator is None:
        per_frame = lead.samps_per_frame
        rate = float(lead.fs * per_frame)

        def read(first: int, last: int) -> npt.NDArray[np.float64]:
            advance(DETECTING * (last - first) / reader.sig_len, 0)
            return reader.millivolts(reader.read(first, last))

        found = detect_beats(read, reader.sig_len, rate, reader.blocks())
        return Annotations(found // per_frame, np.full(len(found), "")), ()
    stem, warnings = job.folder / job.record, []
    if job.mitdb and job.annotator == "atr" and job.record in OLDER_ANNOTATIONS:
        older = stem.with_name(OLDER_ANNOTATIONS[job.record])
        if older.with_name(f"{older.name}.atr").is_file():
            stem = older
        else:
            warnings.append(
                f"{older.name}.atr is not in {job.folder}; {job.record}.atr is used for record {job.record} instead, "
                "which is newer than what Kaggle's rows were cut by."
            )
    return read_annotations(stem, job.annotator, lead.fs, lead.sig_len), tuple(warnings)


def _write_rows(
    job: RecordJob, lead: Lead, reader: LeadReader, annotations: Annotations, advance: Callable[[float, int], None]
) -> tuple[CutCounts, dict[str, Side]]:
    """Cut the record block by block and write its parts."""
    rate = Rate.of(lead.fs * lead.samps_per_frame)
    length = rate.length(reader.sig_len)
    positions = Rate.of(lead.fs).positions(annotations.sample, lead.sig_len)
    windows = find_windows(positions, length)
    known = ["", *SYMBOL_TO_LABEL]
    wanted = np.flatnonzero(np.isin(annotations.symbol[:-1], known))
    starts = windows.start[wanted]
    names = ("beats",) if job.split is None else ("train", "test")
    sides = {name: Side() for name in names}
    hashes = {name: hashlib.sha256() for name in names}
    spreads = [np.zeros(0)]
    with ExitStack() as stack:
        files = {name: _open_parts(job.parts, name, stack) for name in names}
        for first, last in reader.blocks():
            low = rate.length(first)
            high = length if last == reader.sig_len else rate.length(last)
            here = slice(*np.searchsorted(starts, [low, high]))
            chosen = wanted[here]
            end = max(high, int(windows.stop[chosen].max(initial=0)))
            signal = resample(reader.read, reader.sig_len, rate, low, end)
            values, spread = cut_windows(signal, windows.start[chosen] - low, windows.stop[chosen] - low)
            spreads.append(spread)
            beats, _ = gather(values, spread, annotations.sample, annotations.symbol, chosen)
            for name, mask in _sides(job, beats).items():
                text = _write(files[name], job, beats, mask)
                hashes[name].update(text)
                sides[name].rows += int(mask.sum())
                sides[name].classes += np.bincount(beats.label[mask & (beats.label >= 0)], minlength=len(CLASSES))
            cutting = 1 - DETECTING if job.annotator is None else 1
            advance(cutting * (last - first) / reader.sig_len, len(beats))
    for name in names:
        sides[name].digest = hashes[name].digest()[:DIGEST_BYTES]
    spread = np.concatenate(spreads)
    empty = np.zeros((len(spread), 0), np.float32)
    _, counts = gather(empty, spread, annotations.sample, annotations.symbol, wanted)
    return counts, sides


def _sides(job: RecordJob, beats: CutBeats) -> dict[str, npt.NDArray[np.bool_]]:
    """Side -> bool[n], which of these beats it is given."""
    if job.split is None:
        return {"beats": np.ones(len(beats), bool)}
    test = job.split.in_test(job.record, beats.sample)
    return {"train": ~test, "test": test}


def _open_parts(parts: Path, name: str, stack: ExitStack) -> tuple[BinaryIO, BinaryIO]:
    """The part files of one side: rows and provenance."""
    rows = stack.enter_context(parts.with_name(f"{parts.name}.{name}.csv").open("wb"))
    provenance = stack.enter_context(parts.with_name(f"{parts.name}.{name}.provenance").open("wb"))
    return rows, provenance


def _write(
    files: tuple[BinaryIO, BinaryIO], job: RecordJob, beats: CutBeats, mask: npt.NDArray[np.bool_]
) -> memoryview:
    """Append the chosen beats to a side's parts; return the text of their rows."""
    labelled = job.annotator is not None
    label = beats.label[mask]
    text = kaggle_text(beats.signal[mask], label if labelled else None).reshape(-1).data
    files[0].write(text)
    labels: list[int] | list[str] = label.tolist() if labelled else [""] * len(label)
    files[1].write(
        provenance_text([job.record] * len(label), beats.sample[mask].tolist(), beats.symbol[mask].tolist(), labels)
    )
    return text
