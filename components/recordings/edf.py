"""EDF, EDF+ and BDF files: their headers, the gaps of discontinuous ones, their samples and their annotations.

Source: B. Kemp, A. Varri, A. C. Rosa, K. D. Nielsen, J. Gade, A simple format for exchange of digitized polygraphic
recordings, Electroencephalogr Clin Neurophysiol 82:391, 1992; B. Kemp, J. Olivan, European data format 'plus' (EDF+),
Clin Neurophysiol 114:1755, 2003.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt

from components.errors import DataRefused, EnvironmentRefused
from components.recordings.header import Header, Signal
from components.recordings.lead import MILLIVOLTS, Lead, NoSignal, Segment, find_lead

SAMPLE_BYTES: Final = {"EDF": 2, "BDF": 3}
"""Signal format -> bytes of a sample, a signed integer with its low byte first."""

VERSIONS: Final = {b"0": "EDF", b"\xffBIOSEMI": "BDF"}
"""The first eight bytes of a file, without spaces -> its signal format."""

ANNOTATIONS: Final = ("EDF Annotations", "BDF Annotations")
"""Labels of signals that hold no samples but text."""

FIRST_BYTES: Final = 256
"""Length of the header before its signals, and of what it says of each signal."""

SIGNAL_FIELDS: Final = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
"""Widths of what the header says of a signal, each of them for all signals before the next."""

JITTER_SECONDS: Final = Fraction(1, 50)
"""By how much a data record may seem to begin before the end of the one before: clocks are not exact."""

STAMP: Final = re.compile(rb"([+-]\d+(?:\.\d*)?)(?:\x15[\d.]*)?\x14")
"""The start of a time-stamped list of annotations: onset and duration in seconds."""

STAMPED: Final = re.compile(STAMP.pattern + rb"((?:[^\x00\x14]*\x14)+)\x00")
"""Such a list: its stamp and its texts."""

BLOCK_BYTES: Final = 1 << 24
"""How much of a file is looked through for annotations at once."""


@dataclass(frozen=True)
class EdfFile:
    """An EDF or BDF file as its header has it."""

    path: Path
    fmt: str  # EDF or BDF
    records: int | None  # data records; None where the header does not know
    seconds: Fraction  # duration of a data record; 0 where it has none
    discontinuous: bool  # EDF+D: time passes between data records
    signals: tuple[Signal, ...]  # all of them, annotations too; in ADC units per physical unit, 0 where that is unknown

    @property
    def header_bytes(self) -> int:
        """Return where the first data record begins."""
        return FIRST_BYTES * (len(self.signals) + 1)

    @property
    def samps_per_frame(self) -> tuple[int, ...]:
        """Return how many samples of each signal a data record has."""
        return tuple(signal.samps_per_frame for signal in self.signals)

    @property
    def leads(self) -> tuple[int, ...]:
        """Return which signals hold samples."""
        return tuple(i for i, signal in enumerate(self.signals) if signal.sig_name not in ANNOTATIONS)

    @property
    def record_bytes(self) -> int:
        """Return the length of a data record."""
        return SAMPLE_BYTES[self.fmt] * sum(self.samps_per_frame)


def read_edf_file(path: Path) -> EdfFile:
    """Read the header of an EDF or BDF file.

    Raises:
        DataRefused: it is missing, or its header is not of the form.
        EnvironmentRefused: it cannot be read.
    """
    if not path.is_file():
        raise DataRefused(f"its file {path.name} is missing.")
    try:
        with path.open("rb") as file:
            head = file.read(FIRST_BYTES)
            fmt = VERSIONS.get(head[:8].strip(b" \0"))
            if fmt is None:
                raise DataRefused(f"{path.name} is no EDF or BDF file: it begins with {head[:8]!r}.")
            fields = [head[start:end].decode("latin-1").strip(" \0") for start, end in
                      ((184, 192), (192, 236), (236, 244), (244, 252), (252, 256))]  # fmt: skip
            header_bytes, reserved, records, seconds, n_sig = fields
            count = _integer(path, "number of signals", n_sig)
            if count < 1 or _integer(path, "length of the header", header_bytes) != FIRST_BYTES * (count + 1):
                raise DataRefused(
                    f"the header of {path.name} says that it has {count} signals and {header_bytes} bytes; "
                    f"each signal takes {FIRST_BYTES} bytes, and as many come before them."
                )
            body = file.read(FIRST_BYTES * count).decode("latin-1")
    except OSError as error:
        raise EnvironmentRefused(f"{path} cannot be read: {error.strerror}.") from error
    if len(body) < FIRST_BYTES * count:
        raise DataRefused(f"{path.name} ends within its header.")
    said, duration = _integer(path, "number of data records", records), _number(seconds)
    if said < -1 or duration is None or duration < 0:
        raise DataRefused(f"the header of {path.name} says that it has {records} data records of {seconds!r} s.")
    columns, offset = [], 0
    for width in SIGNAL_FIELDS:
        columns.append([body[offset + i * width :][:width].strip(" \0") for i in range(count)])
        offset += width * count
    signals = tuple(_signal(path, fmt, row) for row in zip(*columns, strict=True))
    return EdfFile(path, fmt, None if said < 0 else said, duration, reserved.startswith(f"{fmt}+D"), signals)


def _signal(path: Path, fmt: str, row: tuple[str, ...]) -> Signal:
    """Return a signal by the fields of its header."""
    label, _, units, *ranges, _, samples, _ = row
    low, high, digital_low, digital_high = (_number(text) for text in ranges)
    gain = baseline = 0.0
    if low is not None and high is not None and digital_low is not None and digital_high is not None and low != high:
        ratio = (digital_high - digital_low) / (high - low)
        gain, baseline = float(ratio), float(digital_low - low * ratio)
    per_frame = _integer(path, f"number of samples of {label!r} in a data record", samples)
    if per_frame < 1:
        raise DataRefused(f"the header of {path.name} says that a data record has {samples} samples of {label!r}.")
    return Signal(path.name, fmt, per_frame, 0, 0, gain, baseline, units or "mV", 0, None, label)


def _integer(path: Path, what: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise DataRefused(f"the header of {path.name} has {text!r} for the {what}.") from None


def _number(text: str) -> Fraction | None:
    try:
        return Fraction(Decimal(text))
    except (InvalidOperation, ValueError, OverflowError):
        return None


def read_edf_header(path: Path) -> Header:
    """Return the header of an EDF or BDF file as that of a WFDB record, a data record being a frame; see read_edf_file.

    Raises:
        DataRefused: also if a data record has no duration, although there are signals.
    """
    edf = read_edf_file(path)
    signals = tuple(edf.signals[i] for i in edf.leads)
    return Header(1 / _seconds(edf) if signals else Fraction(1), edf.records or 0, len(signals), signals, ())


def _seconds(edf: EdfFile) -> Fraction:
    if not edf.seconds:
        raise DataRefused(f"the header of {edf.path.name} says that its data records last 0 s, so it has no rate.")
    return edf.seconds


def open_edf(path: Path, lead: str | None) -> Lead:
    """Describe one lead of an EDF or BDF file; `lead` as in `find_lead`. Annotations are no signals.

    Raises:
        NoSignal: it holds no voltage at all.
        DataRefused: the file is missing or cut short, its header or a time stamp does not parse, or the lead is not
            there, has no scale, or is one of several of that name.
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
    frame_fs, per_frame = 1 / _seconds(edf), signal.samps_per_frame
    runs = _find_runs(edf, count, per_frame) if edf.discontinuous else [(0, 0)]
    stops = [*(first for first, _ in runs[1:]), count]
    segments = tuple(
        _segment(edf, channel, first, stop - first, start) for (first, start), stop in zip(runs, stops, strict=True)
    )
    return Lead(
        signal.sig_name,
        frame_fs,
        count,
        per_frame,
        segments,
        whole=len(runs) == 1,
        notes=(note,) if note else (),
        gap_samples=runs[-1][1] - runs[-1][0] * per_frame,
        ticks_per_frame=max(edf.samps_per_frame[i] for i in edf.leads),
    )


def _segment(edf: EdfFile, channel: int, first: int, count: int, start: int) -> Segment:
    """Describe the `count` data records from `first` on of a signal, which begin at sample `start` of the lead."""
    signal = edf.signals[channel]
    in_millivolts = replace(signal, adc_gain=signal.adc_gain / MILLIVOLTS[signal.units.lower()], units="mV")
    offset = edf.header_bytes + first * edf.record_bytes
    return Segment(edf.path.name, edf.path, start, count, offset, edf.samps_per_frame, channel, in_millivolts)


def _count_records(edf: EdfFile) -> tuple[int, str | None]:
    """Return the whole data records that the file holds, at most one less than it promises, and then a note on it."""
    size = edf.path.stat().st_size - edf.header_bytes
    whole, said = size // edf.record_bytes, edf.records
    if whole < 1 or said == 0:
        raise DataRefused(f"{edf.path.name} holds no whole data record.")
    if said is None:
        return whole, (
            f"the header of {edf.path.name} does not say how many data records it has, as if it were still being "
            f"written; it is read to its end ({whole})."
        )
    if whole == said - 1:
        return (
            whole,
            f"{edf.path.name} is one data record shorter than its header says ({said}); it is read to its end.",
        )
    if whole < said:
        raise DataRefused(
            f"{edf.path.name} is truncated or its header wrong about its length: "
            f"the header says {said} data records, the file holds {whole}."
        )
    if more := size - said * edf.record_bytes:
        return said, f"{edf.path.name} goes on for {more:,} bytes behind its last data record; they are not read."
    return said, None


def _find_runs(edf: EdfFile, count: int, per_frame: int) -> list[tuple[int, int]]:
    """Return the data records before which time passed, and the sample of the lead at which each begins.

    Stamps are read by halving: where the first and last of some data records are as far apart as they are without
    gaps, those between are not read.

    Raises:
        DataRefused: a data record does not say when it begins, or begins before the end of the one before.
    """
    fs = per_frame / _seconds(edf)
    slack = math.ceil(JITTER_SECONDS * fs)
    with edf.path.open("rb") as file:
        origin = _onset(edf, file, 0)

        def start(record: int) -> int:
            return round((_onset(edf, file, record) - origin) * fs)

        runs = [(0, 0)]
        waiting = [(0, 0, count - 1, start(count - 1))] if count > 1 else []
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
    file.seek(edf.header_bytes + record * edf.record_bytes + before * width)
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
    per_frame, width = segment.samps_per_frame[segment.channel], SAMPLE_BYTES[segment.signal.fmt]
    record, stop = first // per_frame, -(-last // per_frame)
    row_bytes, before = width * sum(segment.samps_per_frame), width * sum(segment.samps_per_frame[: segment.channel])
    offset, shape = segment.byte_offset + record * row_bytes, (stop - record, row_bytes)
    rows = np.memmap(segment.path, np.uint8, "r", offset, shape)
    stored = rows[:, before : before + per_frame * width].reshape(-1)  # of one data record no copy
    stored = stored[(first - record * per_frame) * width : (last - record * per_frame) * width]
    if width == 3:
        padded = np.zeros((last - first, 4), np.uint8)
        padded[:, 1:] = stored.reshape(-1, 3)
        return padded.view("<i4").reshape(-1) >> 8
    return stored.view("<i2").astype(np.int32 if segment.signal.adc_gain < 0 else np.int16)  # -32768 can be negated


def read_edf_annotations(path: Path) -> Iterator[tuple[float, str]]:
    """Yield the annotations of an EDF+ or BDF+ file: seconds from its first data record, and the text.

    Raises:
        DataRefused: the file is missing, cut short or no EDF+ or BDF+, or its first time stamp does not parse.
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
        rows = np.memmap(path, np.uint8, "r", edf.header_bytes + first * edf.record_bytes, shape)
        text = np.concatenate([rows[:, edges[i] : edges[i + 1]] for i in channels], axis=1).tobytes()
        for stamped in STAMPED.finditer(text):
            seconds = float(stamped[1]) - origin
            for each in stamped[2].split(b"\x14"):
                if each:
                    yield seconds, each.decode("utf-8", "replace")
