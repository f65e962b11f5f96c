"""Leads of EDF, EDF+ and BDF files: the gaps of discontinuous ones, their samples, and annotations in the file."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt

from components.errors import DataRefused
from components.recordings.edf_header import ANNOTATIONS, SAMPLE_BYTES, EdfFile, read_edf_file
from components.recordings.lead import Lead, Segment
from components.recordings.lead_names import NoSignal, find_lead, in_millivolts

JITTER_SECONDS: Final = Fraction(1, 50)
"""By how much a data record may seem to overlap the one before: clocks are not exact."""

LONGEST_SECONDS: Final = 366 * 86400
"""Maximum distance between data records of a recording."""

STAMP: Final = re.compile(rb"([+-]\d+(?:\.\d*)?)(?:\x15[\d.]*)?\x14")
"""The start of a time-stamped list of annotations: onset and duration in seconds."""

STAMPED: Final = re.compile(STAMP.pattern + rb"((?:[^\x00\x14]*\x14)+)\x00")
"""A time-stamped list of annotations: its stamp and its texts."""

BLOCK_BYTES: Final = 1 << 24
"""How much of a file is searched for annotations at once."""


def open_edf(path: Path, lead: str | None) -> Lead:
    """Describe one lead of an EDF or BDF file; `lead` as in `find_lead`. Annotations are not signals.

    Raises:
        NoSignal: it holds no voltage at all.
        DataRefused: the file is missing or cut short, its header or a time stamp does not parse, or the lead is
            missing, has no scale, or is one of several of that name.
        EnvironmentRefused: it cannot be read.
    """
    edf = read_edf_file(path)
    if not edf.leads:
        raise NoSignal("it holds annotations only, no signal.")
    channel = edf.leads[find_lead([edf.signals[i] for i in edf.leads], lead)]
    signal = edf.signals[channel]
    if not signal.adc_gain:
        raise DataRefused(f"lead {signal.sig_name} has no scale: its physical or digital range is empty or no number.")
    count, note = _count_records(edf)
    per_frame, samps_per_frame = signal.samps_per_frame, edf.samps_per_frame
    fs, tick_fs = edf.frame_fs * per_frame, edf.frame_fs * max(samps_per_frame[i] for i in edf.leads)
    runs = _find_runs(edf, count, per_frame) if edf.discontinuous else [(0, 0)]
    name, scaled = path.name, in_millivolts(signal, path.name)
    segments = tuple(
        Segment(name, path, start, stop - first, edf.offset(first), samps_per_frame, channel, scaled)
        for (first, start), (stop, _) in pairwise([*runs, (count, 0)])
    )
    return Lead(
        sig_name=signal.sig_name,
        fs=fs,
        length=segments[-1].start + segments[-1].length,
        sig_len=count,
        tick_fs=tick_fs,
        segments=segments,
        whole=len(runs) == 1,
        notes=(note,) if note else (),
        start=edf.start and edf.start + _first_onset(edf),
    )


def _first_onset(edf: EdfFile) -> timedelta:
    """Return how long after the time of its header a file begins, which is less than a second; 0 if it is more."""
    with suppress(DataRefused), edf.path.open("rb") as file:
        onset = _onset(edf, file, 0)
        return timedelta(seconds=float(onset) if 0 <= onset < 1 else 0)
    return timedelta(0)


def _count_records(edf: EdfFile) -> tuple[int, str | None]:
    """Return the number of whole data records, at most one less than the header promises, and then with a note."""
    size = edf.path.stat().st_size - edf.offset(0)
    whole, said = size // edf.record_bytes, edf.records
    if whole < 1 or said == 0:
        raise DataRefused(f"{edf.path.name} holds no whole data record.")
    if said is None:
        return whole, (
            f"the header of {edf.path.name} does not say how many data records it has, as if it were still being "
            f"written; it is read to its end ({whole})."
        )
    if whole == said - 1:
        return whole, (
            f"{edf.path.name} is one data record shorter than its header says ({said}); it is read to its end."
        )
    if whole < said:
        raise DataRefused(
            f"{edf.path.name} is truncated or its header wrong about its length: "
            f"the header says {said} data records, the file holds {whole}."
        )
    if more := size - said * edf.record_bytes:
        return said, f"{edf.path.name} has {more:,} bytes after its last data record; they are not read."
    return said, None


def _find_runs(edf: EdfFile, count: int, per_frame: int) -> list[tuple[int, int]]:
    """Return the data records that follow a gap, and the sample of the lead at which each begins.

    Stamps are read by bisection: if the first and last of some data records are as far apart as they are without
    gaps, those between are not read.

    Raises:
        DataRefused: a data record does not say when it begins, begins before the end of the one before, or begins so
            late that its time cannot be true.
    """
    fs = edf.frame_fs * per_frame
    slack = math.ceil(JITTER_SECONDS * fs)
    with edf.path.open("rb") as file:
        origin = _onset(edf, file, 0)

        def start(record: int) -> int:
            return round((_onset(edf, file, record) - origin) * fs)

        runs, end = [(0, 0)], start(count - 1)
        if end > LONGEST_SECONDS * fs:
            raise DataRefused(
                f"the last data record of {edf.path.name} begins {float(end / fs):,.0f} s after the first; "
                f"a recording may last {LONGEST_SECONDS:,} s."
            )
        waiting = [(0, 0, count - 1, end)] if count > 1 else []
        while waiting:
            first, begin, last, end = waiting.pop()
            run, run_start = runs[-1]
            late = end - run_start - (last - run) * per_frame
            if abs(late) <= 1:
                continue
            if last - first > 1:
                middle = (first + last) // 2
                sample = start(middle)
                waiting += [(middle, sample, last, end), (first, begin, middle, sample)]
            elif end - begin < per_frame - slack:
                raise DataRefused(
                    f"data record {last} of {edf.path.name} begins {(end - begin) / float(fs):g} s after the one "
                    f"before, which lasts {float(edf.seconds):g} s: they are out of order, or overlap."
                )
            else:
                runs.append((last, end))
    return runs


def _onset(edf: EdfFile, file: BinaryIO, record: int) -> Fraction:
    """Return when a data record begins, in seconds from the start of the file."""
    channel = next((i for i, signal in enumerate(edf.signals) if signal.sig_name in ANNOTATIONS), None)
    if channel is None:
        raise DataRefused(f"{edf.path.name} is {edf.fmt}+D, but has no signal {edf.fmt} Annotations with its times.")
    before, width = sum(edf.samps_per_frame[:channel]), SAMPLE_BYTES[edf.fmt]
    file.seek(edf.offset(record) + before * width)
    text = file.read(edf.samps_per_frame[channel] * width)
    stamp = STAMP.match(text)
    if stamp is None:
        raise DataRefused(
            f"data record {record} of {edf.path.name} does not say when it begins: its annotations begin with "
            f"{text[:20]!r}, not as in '+12.5'."
        )
    return Fraction(stamp[1].decode())


def read_samples(segment: Segment, first: int, last: int) -> npt.NDArray:
    """Return samples [first, last) of a segment, int16 or int32[last - first] in ADC units.

    Raises:
        ValueError: the file is shorter than it was.
    """
    per_frame, width = segment.signal.samps_per_frame, SAMPLE_BYTES[segment.signal.fmt]
    record, stop = first // per_frame, -(-last // per_frame)
    row_bytes, before = width * sum(segment.samps_per_frame), width * sum(segment.samps_per_frame[: segment.channel])
    offset, shape = segment.byte_offset + record * row_bytes, (stop - record, row_bytes)
    rows = np.memmap(segment.path, np.uint8, "r", offset, shape)
    stored = rows[:, before : before + per_frame * width].reshape(-1)  # no copy for one data record
    stored = stored[(first - record * per_frame) * width : (last - record * per_frame) * width]
    if width == 3:
        padded = np.zeros((last - first, 4), np.uint8)
        padded[:, 1:] = stored.reshape(-1, 3)
        return padded.view("<i4").reshape(-1) >> 8
    return stored.view("<i2").astype(np.int32 if segment.signal.adc_gain < 0 else np.int16)  # -32768 can be negated


def read_edf_annotations(path: Path) -> Iterator[tuple[float, str]]:
    """Yield the annotations of an EDF+ or BDF+ file: seconds from its first data record, and the text.

    Raises:
        DataRefused: the file is missing, truncated or not EDF+ or BDF+, or its first time stamp does not parse.
        EnvironmentRefused: it cannot be read.
    """
    edf = read_edf_file(path)
    count, _ = _count_records(edf)
    with path.open("rb") as file:
        origin = float(_onset(edf, file, 0))
    step = max(BLOCK_BYTES // edf.record_bytes, 1)
    edges = np.cumsum([0, *edf.samps_per_frame]) * SAMPLE_BYTES[edf.fmt]
    channels = [i for i in range(len(edf.signals)) if i not in edf.leads]
    for first in range(0, count, step):
        shape = (min(step, count - first), edf.record_bytes)
        rows = np.memmap(path, np.uint8, "r", edf.offset(first), shape)
        text = np.concatenate([rows[:, edges[i] : edges[i + 1]] for i in channels], axis=1).tobytes()
        for stamped in STAMPED.finditer(text):
            seconds = float(stamped[1]) - origin
            for each in stamped[2].split(b"\x14"):
                if each:
                    yield seconds, each.decode("utf-8", "replace")
