"""One lead of a record: found by its headers, laid out over the signal files, and checked against their sizes."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Final

from components.errors import DataRefused
from components.recordings.header import EDF, NOT_RECORDED, Header, Signal, header_path, read_header
from components.recordings.lead_names import NoSignal, find_lead, in_millivolts, name_of

BYTES_PER_SAMPLE: Final = {
    "8": Fraction(1), "80": Fraction(1), "16": Fraction(2), "61": Fraction(2), "160": Fraction(2),
    "24": Fraction(3), "32": Fraction(4), "212": Fraction(3, 2), "310": Fraction(4, 3), "311": Fraction(4, 3),
}  # fmt: skip
"""WFDB signal format -> bytes of a sample, for those that are not compressed."""

COMPRESSED: Final = ("508", "516", "524")
"""WFDB signal formats that are FLAC files."""

GROUP_BYTES: Final = 4
"""Formats 212, 310 and 311 pack samples in groups of at most this many bytes, the last of which may be padded."""

GAP: Final = "~"
"""Name of a segment in which nothing was recorded."""

FS_RANGE: Final = (50, 100_000)
"""Sampling frequencies, in Hz, at which an ECG can be recognised."""


@dataclass(frozen=True)
class Segment:
    """A stretch of a lead that lies in one signal file."""

    name: str
    path: Path
    start: int  # sample of the lead at which it begins
    sig_len: int  # frames
    byte_offset: int  # bytes before the file's first sample; in compressed formats, samples
    samps_per_frame: tuple[int, ...]  # samples in a frame, of each signal in the file
    channel: int  # index of the lead among the signals in the file
    signal: Signal  # as in the header, but in ADC units per mV; checksum None if it cannot be compared

    @property
    def length(self) -> int:
        """Samples of the lead."""
        return self.sig_len * self.signal.samps_per_frame


@dataclass(frozen=True)
class Lead:
    """One lead of a record."""

    sig_name: str  # as in the header
    fs: Fraction  # samples per second
    length: int  # samples of the record in this lead
    sig_len: int  # frames of the record
    tick_fs: Fraction  # ticks per second of annotations that do not give it
    segments: tuple[Segment, ...]  # the stretches that hold it, in order; between them it was not recorded
    whole: bool  # True for a record of one segment, whose samples stay in ADC units
    notes: tuple[str, ...] = ()  # remarks, in sentences
    start: datetime | None = None  # local time of the first sample, if known


def open_lead(stem: Path, lead: str | None) -> Lead:
    """Read a record's headers, find a lead, and check that the signal files have the length they should have.

    Args:
        stem: path of the record: without extension, or of an EDF or BDF file.
        lead: name (any case) or index from 0; None for the one whose name is most like lead II.

    Raises:
        NoSignal: the record holds no voltage at all.
        NoSuchLead: the lead is missing.
        DataRefused: a file is missing, truncated or longer than stated, a header does not parse, or the lead is one of
            several of that name, is not a voltage or too slow for an ECG.
        EnvironmentRefused: a header cannot be read.
    """
    if stem.suffix.lower() in EDF:
        from components.recordings.edf import open_edf

        opened = open_edf(stem, lead)
    else:
        header = read_header(stem)
        opened = _open_segments(header, stem, lead) if header.segments else _open_whole(header, stem, lead)
        opened = replace(opened, start=header.start)
    if not FS_RANGE[0] <= opened.fs <= FS_RANGE[1]:
        raise DataRefused(
            f"lead {opened.sig_name} has {float(opened.fs):g} samples a second; "
            f"an ECG has {FS_RANGE[0]} to {FS_RANGE[1]:,}."
        )
    return opened


def _open_whole(header: Header, stem: Path, lead: str | None) -> Lead:
    """Describe a lead of a record without segments."""
    if not header.signals:
        raise NoSignal("it holds annotations only, no signal.")
    channel = find_lead(header.signals, lead)
    if header.signals[channel].fmt == NOT_RECORDED:
        raise DataRefused(f"lead {name_of(header.signals, channel)} was not recorded (signal format 0).")
    segment, note = _segment(header, stem, 0, channel)
    name, fs = name_of(header.signals, channel), header.fs * segment.signal.samps_per_frame
    notes = (note,) if note else ()
    return Lead(name, fs, segment.length, segment.sig_len, header.fs, (segment,), whole=True, notes=notes)


def _open_segments(header: Header, stem: Path, lead: str | None) -> Lead:
    """Lay a lead of a multi-segment record out; gaps, and segments without the lead, are left out."""
    stems = {name: stem.parent / name for name, _ in header.segments if name != GAP}
    parts = {name: read_header(path) for name, path in stems.items() if header_path(path).is_file()}
    if nested := [name for name, segment_header in parts.items() if segment_header.segments]:
        raise DataRefused(
            f"its segment {nested[0]} has segments of its own, which WFDB does not allow: list these in its place."
        )
    layout = _layout(header, parts)
    channel = find_lead(layout.signals, lead)
    sig_name = name_of(layout.signals, channel)
    segments: list[Segment] = []
    notes: list[str] = []
    missing: dict[str, int] = {}
    start = 0
    for name, sig_len in header.segments:
        begin, start = start, start + sig_len
        if name not in stems or not sig_len:
            continue
        part = parts.get(name)
        here = _channel(header, part, name, layout, channel) if part else None
        if part is None or (here is not None and not signal_file(stems[name], part.signals[here].file_name).is_file()):
            missing[name] = missing.get(name, 0) + sig_len
        elif here is not None:
            if part.sig_len not in (0, sig_len):
                raise DataRefused(f"its segment {name} has {part.sig_len} samples, the record says {sig_len}.")
            segment, note = _segment(replace(part, sig_len=sig_len), stems[name], begin, here)
            segments.append(segment)
            notes += [note] if note else []
    if header.sig_len not in (0, start):
        raise DataRefused(f"its header says {header.sig_len} samples, its segments hold {start}.")
    if missing:
        seconds = sum(missing.values()) / float(header.fs)
        notes.append(f"segments that its header lists are missing ({', '.join(missing)}): {seconds:,.1f} s are a gap.")
    if not segments:
        raise DataRefused([f"none of its segments holds lead {sig_name}.", *notes])
    per_frame, *others = {segment.signal.samps_per_frame for segment in segments}
    if others:
        raise DataRefused(f"lead {sig_name} is sampled at several rates in its segments, which is not supported.")
    fs, length = header.fs * per_frame, start * per_frame
    return Lead(sig_name, fs, length, start, header.fs, tuple(segments), whole=False, notes=tuple(notes))


def _layout(header: Header, parts: Mapping[str, Header]) -> Header:
    """Return the header that names the leads of all segments: of the layout, or of the first one that is not empty.

    A first segment of length 0 is a layout: the others may hold any of its leads, found by name. Without one, all
    segments hold the same leads in the same order.
    """
    first, sig_len = header.segments[0]
    if sig_len == 0 and first in parts:
        return parts[first]
    for part in parts.values():
        if any(signal.fmt != NOT_RECORDED for signal in part.signals):
            return part
    raise DataRefused(f"none of the {len(header.segments)} segments that its header lists is there.")


def _channel(header: Header, part: Header, name: str, layout: Header, channel: int) -> int | None:
    """Return which signal of a segment is the lead; None if the segment does not hold it.

    Raises:
        DataRefused: the segment does not fit the record, or several of its leads have the name.
    """
    if part.fs != header.fs:
        raise DataRefused(f"its segment {name} has {float(part.fs):g} frames a second, not {float(header.fs):g}.")
    if all(signal.fmt == NOT_RECORDED for signal in part.signals):
        return None
    names = [signal.sig_name for signal in part.signals]
    sig_name = layout.signals[channel].sig_name
    if header.segments[0][1] == 0:
        same = [i for i, other in enumerate(names) if other == sig_name]
        rank, count = [s.sig_name for s in layout.signals[:channel]].count(sig_name), len(same)
        if same and count != [s.sig_name for s in layout.signals].count(sig_name):
            raise DataRefused(f"its segment {name} has {count} leads named {sig_name}, which cannot be distinguished.")
        index = same[rank] if same else None
    elif len(names) != len(layout.signals) or names[channel] != sig_name:
        raise DataRefused(
            f"its segment {name} has the leads {', '.join(names)}: without a layout, "
            f"all segments must have lead {channel} ({sig_name}) in the same place."
        )
    else:
        index = channel
    return None if index is None or part.signals[index].fmt == NOT_RECORDED else index


def signal_file(stem: Path, file_name: str) -> Path:
    """Return where a signal's file is: beside its header, or at the path in its name, from there or from above."""
    name, folder = file_name.replace("\\", "/"), stem.parent
    candidates = (place / each for place, each in ((folder, name), (folder, Path(name).name), (folder.parent, name)))
    return next((path for path in candidates if path.is_file()), folder / name)


def _segment(header: Header, stem: Path, start: int, channel: int) -> tuple[Segment, str | None]:
    """Describe one segment after checking the lead's unit and the size of its file; also return a note on it."""
    signal = header.signals[channel]
    scaled = in_millivolts(signal, stem.name)
    members = [i for i, other in enumerate(header.signals) if other.file_name == signal.file_name]
    first = header.signals[members[0]]
    same_layout = all(header.signals[i].fmt == first.fmt and header.signals[i].skew >= 0 for i in members)
    offsets = {header.signals[i].byte_offset for i in members} - {0}
    if members != list(range(members[0], members[-1] + 1)) or not same_layout or len(offsets) > 1:
        raise DataRefused(
            f"its header lists the signals of {signal.file_name} in several places, or with several formats or offsets."
        )
    samps_per_frame = tuple(header.signals[i].samps_per_frame for i in members)
    offset = max(offsets, default=0)
    path = signal_file(stem, signal.file_name)
    sig_len, note = _check_size(path, header.sig_len, first.fmt, offset, sum(samps_per_frame))
    lead = scaled._replace(checksum=signal.checksum if signal.skew == 0 and note is None else None)
    start *= signal.samps_per_frame
    return Segment(stem.name, path, start, sig_len, offset, samps_per_frame, channel - members[0], lead), note


def _check_size(path: Path, sig_len: int, fmt: str, offset: int, per_frame: int) -> tuple[int, str | None]:
    """Return the number of frames in a signal file, at most one less than its header promises, and then with a note.

    Args:
        path: the signal file.
        sig_len: frames that it should hold; 0 if the header does not say.
        fmt: signal format.
        offset: bytes before the first sample.
        per_frame: samples in a frame, of all signals in the file together.
    """
    if not path.is_file():
        raise DataRefused(f"its signal file {path.name} is missing.")
    if fmt in COMPRESSED:
        if not sig_len:
            raise DataRefused("its header gives no length; write the number of samples per signal into its first line.")
        return sig_len, None
    if fmt not in BYTES_PER_SAMPLE:
        raise DataRefused(f"signal format {fmt} of {path.name} is not one of WFDB's.")
    size = os.path.getsize(path) - offset
    frame_bytes = per_frame * BYTES_PER_SAMPLE[fmt]
    frames = max(math.floor(size / frame_bytes), 0)
    if not frames:
        raise DataRefused(f"its signal file {path.name} is empty.")
    if not sig_len or frames == sig_len - 1:
        short = f"{path.name} is one sample per signal shorter than its header says ({sig_len}); it is read to its end."
        return frames, short if sig_len else None
    if frames < sig_len:
        raise DataRefused(
            f"its signal file {path.name} is truncated or its header wrong about its length: "
            f"the header says {sig_len} samples per signal, the file holds {frames}."
        )
    if size > math.ceil(sig_len * frame_bytes) + max(GROUP_BYTES, math.ceil(frame_bytes) - 1):
        raise DataRefused(
            f"its header is wrong about its length: it says {sig_len} samples per signal, {path.name} holds {frames}."
        )
    return sig_len, None
