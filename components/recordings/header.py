"""One lead of a WFDB record as its headers describe it, checked against the files that hold it."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from components.errors import DataRefused

MILLIVOLTS: Final = {"v": 1e3, "mv": 1.0, "uv": 1e-3, "nv": 1e-6}
"""Unit, in lower case -> how many mV one is."""

BYTES_PER_SAMPLE: Final = {
    "8": Fraction(1), "80": Fraction(1), "16": Fraction(2), "61": Fraction(2), "160": Fraction(2),
    "24": Fraction(3), "32": Fraction(4), "212": Fraction(3, 2), "310": Fraction(4, 3), "311": Fraction(4, 3),
}  # fmt: skip
"""WFDB signal format -> bytes of a sample; the formats that are missing here are compressed."""

GROUP_BYTES: Final = 4
"""Formats 212, 310 and 311 pack samples in groups of at most this many bytes, the last of which may be padded."""


@dataclass(frozen=True)
class Segment:
    """A stretch of a lead that lies in one signal file.

    Attributes:
        stem: path of the segment's header, without its extension.
        start: frame of the record at which it begins.
        sig_len: its frames.
        channel: index of the lead among its signals.
        fmt: WFDB signal format.
        checksum: 16-bit sum of its samples as the header has it, or None where it cannot be compared.
        adc_gain: ADC units per mV.
        baseline: ADC units at 0 mV.
        samps_per_frame: samples that the lead has in a frame.
        frame_samples: samples that all signals of its file have in a frame.
    """

    stem: Path
    start: int
    sig_len: int
    channel: int
    fmt: str
    checksum: int | None
    adc_gain: float
    baseline: int
    samps_per_frame: int
    frame_samples: int


@dataclass(frozen=True)
class Lead:
    """One lead of a record.

    Attributes:
        sig_name: as in the header.
        fs: frames per second, in which annotations count.
        sig_len: length of the record in frames.
        samps_per_frame: samples that the lead has in a frame.
        segments: the stretches that hold it, in order; between them it was not recorded.
        whole: True for a record of one segment, whose samples stay in ADC units.
    """

    sig_name: str
    fs: Fraction
    sig_len: int
    samps_per_frame: int
    segments: tuple[Segment, ...]
    whole: bool


def open_lead(stem: Path, lead: str) -> Lead:
    """Read a record's headers, find a lead, and check that the signal files have the length they should have.

    Args:
        stem: path of the record, without extension.
        lead: name (any case) or index from 0.

    Raises:
        DataRefused: a file is missing, truncated or longer than stated, a header does not parse or lacks a length, the
            lead is not there or is not a voltage.
    """
    header = read_header(stem)
    if not header.fs or header.fs <= 0:
        raise DataRefused("its header gives no sampling frequency.")
    if not header.sig_len:
        raise DataRefused("its header gives no length; write the number of samples per signal into its first line.")
    rate = Fraction(header.fs).limit_denominator(1000)
    if not hasattr(header, "seg_name"):
        channel = find_lead(header.sig_name, lead)
        segment = _segment(header, stem, 0, channel)
        return Lead(header.sig_name[channel], rate, header.sig_len, segment.samps_per_frame, (segment,), whole=True)
    return _open_segments(header, stem, lead, rate)


def read_header(stem: Path) -> Any:
    """Parse a header with wfdb.

    Raises:
        DataRefused: it is missing or does not parse.
    """
    import wfdb

    if not stem.with_name(stem.name + ".hea").is_file():
        raise DataRefused(f"its header {stem.name}.hea is missing.")
    try:
        return wfdb.rdheader(str(stem))
    except Exception as error:  # wfdb raises what its parser happens to meet
        raise DataRefused(f"its header {stem.name}.hea cannot be read: {error}") from error


def find_lead(names: list[str | None] | None, lead: str) -> int:
    """Index of a lead by its name or its number.

    Raises:
        DataRefused: there is no such lead; those that are there are named.
    """
    known = [name or f"({i})" for i, name in enumerate(names or [])]
    for i, name in enumerate(known):
        if name.lower() == lead.lower():
            return i
    if lead.isdigit() and int(lead) < len(known):
        return int(lead)
    raise DataRefused(f"it has no lead {lead}; its leads are {', '.join(known) or 'none'}.")


def _open_segments(header: Any, stem: Path, lead: str, rate: Fraction) -> Lead:
    """A lead of a multi-segment record; gaps, and segments without the lead, are left out."""
    lengths = dict(zip(header.seg_name, header.seg_len, strict=True))
    named = [name for name in header.seg_name if name != "~"]
    headers = {name: read_header(stem.with_name(name)) for name in named}
    if not named:
        raise DataRefused("its header lists no segment.")
    first = headers[named[0]]
    wanted = first.sig_name[find_lead(first.sig_name, lead)]
    segments, start = [], 0
    for name, length in zip(header.seg_name, header.seg_len, strict=True):
        if name != "~" and length and wanted in headers[name].sig_name:
            if headers[name].sig_len != lengths[name]:
                raise DataRefused(f"its segment {name} has {headers[name].sig_len} samples, the record says {length}.")
            channel = headers[name].sig_name.index(wanted)
            segments.append(_segment(headers[name], stem.with_name(name), start, channel))
        start += length
    if not segments:
        raise DataRefused(f"none of its segments holds lead {wanted}.")
    if start != header.sig_len:
        raise DataRefused(f"its header says {header.sig_len} samples, its segments hold {start}.")
    per_frame = {segment.samps_per_frame for segment in segments}
    if len(per_frame) > 1:
        raise DataRefused(f"lead {wanted} is sampled at several rates in its segments, which is not supported.")
    return Lead(wanted, rate, start, per_frame.pop(), tuple(segments), whole=False)


def _segment(header: Any, stem: Path, start: int, channel: int) -> Segment:
    """Describe one segment after checking the lead's unit and its file's size."""
    unit = header.units[channel] or "mV"
    if unit.lower() not in MILLIVOLTS:
        raise DataRefused(
            f"lead {header.sig_name[channel]} is in {unit}, not in volts; choose an ECG lead with --lead."
        )
    per_frame = [count or 1 for count in header.samps_per_frame]
    by_file: dict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(header.file_name):
        by_file[name].append(i)
    members = by_file[header.file_name[channel]]
    frame_samples = sum(per_frame[i] for i in members)
    _check_size(stem.with_name(header.file_name[channel]), header, members[0], frame_samples)
    skewed = any(header.skew[i] for i in members)
    return Segment(
        stem=stem,
        start=start,
        sig_len=header.sig_len,
        channel=channel,
        fmt=header.fmt[channel],
        checksum=None if skewed or header.checksum[channel] is None else header.checksum[channel] % 65536,
        adc_gain=header.adc_gain[channel] / MILLIVOLTS[unit.lower()],
        baseline=header.baseline[channel] or 0,
        samps_per_frame=per_frame[channel],
        frame_samples=frame_samples,
    )


def _check_size(path: Path, header: Any, signal: int, frame_samples: int) -> None:
    """Compare a signal file's size with what its header promises."""
    if not path.is_file():
        raise DataRefused(f"its signal file {path.name} is missing.")
    fmt = header.fmt[signal]
    if fmt not in BYTES_PER_SAMPLE:
        return
    offset = header.byte_offset[signal] or 0
    held = os.path.getsize(path) - offset
    per_frame = frame_samples * BYTES_PER_SAMPLE[fmt]
    stated = math.ceil(header.sig_len * per_frame)
    frames = max(math.floor(held / per_frame), 0)
    if held < stated:
        raise DataRefused(
            f"its signal file {path.name} is truncated or its header wrong about its length: "
            f"the header says {header.sig_len} samples per signal, the file holds {frames}."
        )
    if held > stated + max(GROUP_BYTES, math.ceil(per_frame) - 1):
        raise DataRefused(
            f"its header is wrong about its length: it says {header.sig_len} samples per signal, "
            f"{path.name} holds {frames}."
        )
