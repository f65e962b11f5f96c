"""One record to rows: read, resample, find or read its beats, cut, and write the text of either side."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, RECORD_RATE_HZ
from components.beats.cut import (
    DETECTED,
    SURROUNDINGS,
    CutBeats,
    CutCounts,
    beat_windows,
    count,
    cut_windows,
    gather,
    kaggle_windows,
    points_down,
)
from components.errors import DataRefused
from components.io.csv_numbers import kaggle_text
from components.io.provenance import provenance_text
from components.recordings.annotations import Annotations, read_annotations
from components.recordings.detect import detect_beats
from components.recordings.lead import Lead
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
        lead: the lead that beats are cut from.
        annotator: extension of the annotation files; None to find the beats in the signal.
        labels: annotation symbol -> class.
        split: which side a beat goes to; None where there is one side only.
        mitdb: whether the archive is MIT-BIH, whose windows follow Kaggle's rule.
        parts: path that the parts are written to, `.<side>.csv` and `.<side>.provenance` appended.
    """

    folder: Path
    record: str
    lead: Lead
    annotator: str | None
    labels: Mapping[str, int]
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
        sig_name: name of its lead.
        counts: what became of its annotations.
        sides: side -> what it was given.
        symbols: annotation symbol -> rows.
        interval: median seconds from one of its beats to the next; NaN where it has fewer than two.
        down: rows whose QRS points down.
        notes: what a person should know of it, in sentences.
    """

    record: str
    sig_name: str
    counts: CutCounts
    sides: dict[str, Side]
    symbols: Mapping[str, int]
    interval: float
    down: int
    notes: tuple[str, ...]


def prepare_record(job: RecordJob, advance: Callable[[float, int], None]) -> RecordResult:
    """Write the rows of one record.

    Args:
        job: what to do.
        advance: called with the share of the record done since the last call, and the rows that came of it.

    Raises:
        DataRefused: the record cannot be used; the sentence names it.
        OSError: a part cannot be written.
    """
    try:
        reader = LeadReader(job.lead)
        notes: list[str] = []
        if job.annotator is None:
            annotations = _detect(reader, advance)
        else:
            annotations, notes = _annotated(job, job.annotator)
        result = _write_rows(job, reader, annotations, advance)
        reader.finish()
    except DataRefused as refused:
        raise DataRefused([f"Record {job.record}: {sentence}" for sentence in refused.sentences]) from refused
    if not result.counts.rows:
        kind = "beats were found" if job.annotator is None else f"beats with a class are in its {job.annotator}"
        notes.append(f"Record {job.record}: no {kind} that could be cut from lead {job.lead.sig_name}.")
    return replace(result, notes=(*(f"Record {job.record}: {note}" for note in job.lead.notes), *notes))


def _detect(reader: LeadReader, advance: Callable[[float, int], None]) -> Annotations:
    """Find the record's beats at 360 Hz, which the detector was made for."""
    lead, rate = reader.lead, Rate.of(reader.lead.fs)
    length = rate.length(lead.length)

    def read(first: int, last: int) -> npt.NDArray[np.float64]:
        advance(DETECTING * (last - first) / length, 0)
        return resample(lambda a, b: reader.millivolts(reader.read(a, b)), lead.length, rate, first, last)

    blocks = ((rate.length(first), rate.length(last)) for first, last in reader.blocks())
    positions = detect_beats(read, length, RECORD_RATE_HZ, blocks)
    return Annotations(rate.samples(positions, lead.length), np.full(len(positions), DETECTED))


def _annotated(job: RecordJob, annotator: str) -> tuple[Annotations, list[str]]:
    """Read the record's annotations, and say what a person should know of them."""
    stem, notes = job.folder / job.record, []
    if job.mitdb and annotator == "atr" and job.record in OLDER_ANNOTATIONS:
        older = stem.with_name(OLDER_ANNOTATIONS[job.record])
        if older.with_name(f"{older.name}.atr").is_file():
            stem = older
        else:
            notes.append(
                f"{older.name}.atr is not in {job.folder}; {job.record}.atr is used for record {job.record} instead, "
                "which is newer than what Kaggle's rows were cut by."
            )
    return read_annotations(stem, annotator, job.lead), notes


def _write_rows(
    job: RecordJob, reader: LeadReader, annotations: Annotations, advance: Callable[[float, int], None]
) -> RecordResult:
    """Cut the record block by block and write its parts."""
    rate = Rate.of(job.lead.fs)
    length = rate.length(job.lead.length)
    positions = rate.positions(annotations.sample, job.lead.length)
    find_windows = kaggle_windows if job.mitdb and job.annotator else beat_windows
    windows = find_windows(positions, annotations.symbol, job.labels, length)
    sides = {name: Side() for name in (("beats",) if job.split is None else ("train", "test"))}
    hashes = {name: hashlib.sha256() for name in sides}
    spreads, down = [np.zeros(0)], 0
    with ExitStack() as stack:
        files = {name: _open_parts(job.parts, name, stack) for name in sides}
        for first, last in reader.blocks():
            low, high = rate.length(first), rate.length(last)
            here = slice(*np.searchsorted(windows.start, [low, high]))
            start, stop, beat = windows.start[here], windows.stop[here], windows.beat[here]
            begin, end = max(low - SURROUNDINGS, 0), max(high, int(stop.max(initial=0)))
            signal = resample(reader.read, job.lead.length, rate, begin, end)
            values, spread = cut_windows(signal, start - begin, stop - begin)
            spreads.append(spread)
            beats = gather(values, spread, annotations.sample[beat], annotations.symbol[beat], job.labels)
            down += int(points_down(signal, start[spread > 0] - begin).sum())
            for name, mask in _sides(job, beats).items():
                text = _write(files[name], job, beats, mask)
                hashes[name].update(text)
                sides[name].rows += int(mask.sum())
                sides[name].classes += np.bincount(beats.label[mask & (beats.label >= 0)], minlength=len(CLASSES))
            cutting = 1 - DETECTING if job.annotator is None else 1
            advance(cutting * (last - first) / job.lead.length, len(beats))
    for name, side in sides.items():
        side.digest = hashes[name].digest()[:DIGEST_BYTES]
    spread = np.concatenate(spreads)
    counts = count(windows, spread, annotations.sample)
    if annotations.outside:
        counts += CutCounts(annotations.outside, outside=annotations.outside)
    symbols, rows = np.unique(annotations.symbol[windows.beat[spread > 0]], return_counts=True)
    return RecordResult(
        record=job.record,
        sig_name=job.lead.sig_name,
        counts=counts,
        sides=sides,
        symbols=dict(zip(symbols.tolist(), rows.tolist(), strict=True)),
        interval=_median_interval(positions[np.isin(annotations.symbol, [DETECTED, *job.labels])]),
        down=down,
        notes=(),
    )


def _median_interval(positions: npt.NDArray[np.int64]) -> float:
    """Return the median seconds between positions at 360 Hz; NaN where there are fewer than two."""
    return float(np.median(np.diff(positions))) / RECORD_RATE_HZ if len(positions) > 1 else float("nan")


def _sides(job: RecordJob, beats: CutBeats) -> dict[str, npt.NDArray[np.bool_]]:
    """Return side -> bool[n], which of these beats it is given."""
    if job.split is None:
        return {"beats": np.ones(len(beats), bool)}
    test = job.split.in_test(job.record, beats.sample)
    return {"train": ~test, "test": test}


def _open_parts(parts: Path, name: str, stack: ExitStack) -> tuple[BinaryIO, BinaryIO]:
    """Open the part files of one side: rows and provenance."""
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
