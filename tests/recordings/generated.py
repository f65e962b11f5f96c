"""Recordings drawn at random, and their files written to the letter of WFDB's format, by none of wfdb's code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from hypothesis import strategies as st

BITS = {
    "8": 16, "80": 8, "16": 16, "61": 16, "160": 16, "24": 24, "32": 32, "212": 12, "310": 10, "311": 10,
    "508": 8, "516": 16, "524": 24,
}  # fmt: skip
"""Signal format -> bits of a sample; all formats of WFDB but 0."""

FLAC = {"508": ("PCM_S8", np.int16, 8), "516": ("PCM_16", np.int16, 0), "524": ("PCM_24", np.int32, 8)}
"""Compressed format -> what soundfile calls it, the type it takes, and how far it has samples shifted to the left."""


@dataclass(frozen=True)
class Channel:
    """One signal: what its line in the header says, and its samples in ADC units."""

    samps_per_frame: int
    skew: int
    gain: str
    adc_zero: int
    sig_name: str
    stored: np.ndarray

    def physical(self, fmt: str) -> np.ndarray:
        """float64[length], in physical units, NaN where a sample is missing."""
        gain, _, rest = self.gain.partition("(")
        number = float(gain.partition("/")[0] or 0) or 200.0
        baseline = float(rest.partition(")")[0]) if rest else self.adc_zero
        samples = self.stored.astype(np.float64)
        if fmt != "8":
            samples[self.stored == -(2 ** (BITS[fmt] - 1))] = np.nan
        shift = self.skew * self.samps_per_frame
        late = np.concatenate([samples[shift:], np.full(min(shift, len(samples)), np.nan)])
        return (late - baseline) / number

    @property
    def units(self) -> str:
        return self.gain.partition("/")[2] or "mV"


@dataclass(frozen=True)
class SignalFile:
    """Signals that lie in one file."""

    fmt: str
    byte_offset: int
    channels: tuple[Channel, ...]


@dataclass(frozen=True)
class Part:
    """A record of one segment."""

    sig_len: int
    files: tuple[SignalFile, ...]

    @property
    def channels(self) -> list[tuple[str, Channel]]:
        """Format and signal, in the order of the header."""
        return [(file.fmt, channel) for file in self.files for channel in file.channels]


@dataclass(frozen=True)
class Recording:
    """A record of one or more segments, None being a gap of so many frames."""

    frame_fs: str
    parts: tuple[Part | int, ...]
    variable: bool

    def physical(self, index: int) -> np.ndarray:
        """float64[length], one lead in its own unit."""
        pieces = []
        per_frame = self.first.channels[index][1].samps_per_frame
        for part in self.parts:
            if isinstance(part, int):
                pieces.append(np.full(part * per_frame, np.nan))
                continue
            name = self.first.channels[index][1].sig_name
            matching = [c for c in part.channels if c[1].sig_name == name] if self.variable else [part.channels[index]]
            pieces.append(
                matching[0][1].physical(matching[0][0]) if matching else np.full(part.sig_len * per_frame, np.nan)
            )
        return np.concatenate(pieces)

    @property
    def unread_by_wfdb(self) -> bool:
        """Whether wfdb may end in an error: on gaps with whole frames, and on skew in most of its forms."""
        skewed = any(channel.skew for _, channel in self.first.channels)
        return skewed or any(isinstance(part, int) for part in self.parts)

    @property
    def first(self) -> Part:
        """The segment that has all leads."""
        return next(part for part in self.parts if isinstance(part, Part))


NUMBERS = st.sampled_from(["200", "-200", "1000.5", "-0.25", "3.3e2", "2e-3", "409.6", "0"])


@st.composite
def channels(
    draw: st.DrawFn, fmt: str, sig_len: int, samps_per_frame: int, name: str, skews: bool, unit: str
) -> Channel:
    gain = draw(NUMBERS) + draw(st.sampled_from(["", "(0)", "(1024)", "(-512)"])) + unit
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    length = sig_len * samps_per_frame
    if fmt == "8":
        stored = rng.integers(-127, 128, length).cumsum()
    else:
        low, high = -(2 ** (BITS[fmt] - 1)), 2 ** (BITS[fmt] - 1)
        stored = rng.integers(low, high, length)
        if draw(st.booleans()):
            stored[rng.integers(0, length, 2)] = low
    skew = draw(st.sampled_from([0, 0, 1, 3])) if skews else 0
    zero = draw(st.sampled_from([0, 17, -1024]))
    return Channel(samps_per_frame, skew, gain, zero, name, stored)


@st.composite
def parts(draw: st.DrawFn, layout: list[list[tuple[str, int]]], unit: str, skews: bool = True) -> Part:
    """A record with these files, each a list of lead names with their samples in a frame."""
    sig_len = draw(st.integers(4, 90))
    files = []
    for leads in layout:
        even = len({count for _, count in leads}) == 1
        fmt = draw(st.sampled_from(sorted(BITS) if even else sorted(set(BITS) - set(FLAC))))
        drawn = tuple(draw(channels(fmt, sig_len, count, name, skews, unit)) for name, count in leads)
        offset = 0 if fmt in FLAC else draw(st.sampled_from([0, 0, 7]))
        files.append(SignalFile(fmt, offset, drawn))
    return Part(sig_len, tuple(files))


@st.composite
def recordings(draw: st.DrawFn) -> Recording:
    names = draw(st.permutations(["II", "MLII", "V5", "ECG lead 1", "aVR"]))
    counts = st.sampled_from([1, 1, 1, 2, 3, 4])
    same = draw(st.booleans())
    layout, unplaced = [], list(names[: draw(st.integers(1, 4))])
    while unplaced:
        size = draw(st.integers(1, len(unplaced)))
        each = draw(counts)
        layout.append([(name, each if same else draw(counts)) for name in unplaced[:size]])
        unplaced = unplaced[size:]
    frame_fs = draw(st.sampled_from(["360", "128", "250", "257.5", "1000", "62.5", "500/250"]))
    unit = draw(st.sampled_from(["", "/mV", "/uV", "/V"]))
    shape = draw(st.sampled_from(["whole", "whole", "fixed", "variable"]))
    if shape == "whole":
        return Recording(frame_fs, (draw(parts(layout, unit)),), variable=False)
    pieces: list[Part | int] = [draw(parts(layout, unit, skews=False))]
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.integers(0, 3)) == 0:
            pieces.append(draw(st.integers(1, 50)))
        elif shape == "fixed":
            pieces.append(draw(parts(layout, unit, skews=False)))
        else:
            some = draw(st.permutations([lead for leads in layout for lead in leads]))
            pieces.append(draw(parts([list(some[: draw(st.integers(1, len(some)))])], unit, skews=False)))
    return Recording(frame_fs, tuple(pieces), variable=shape == "variable")


def write(recording: Recording, folder: Path, name: str = "r") -> Path:
    """Write a recording's files; return its path without extension."""
    first = recording.first
    if len(recording.parts) == 1:
        return write_part(first, recording.frame_fs, folder, name)
    lines, total = [], 0
    if recording.variable:
        lines.append(f"{name}_layout 0")
        head = [f"{name}_layout {len(first.channels)} {recording.frame_fs} 0"]
        for _, channel in first.channels:
            spf = "" if channel.samps_per_frame == 1 else f"x{channel.samps_per_frame}"
            head.append(f"~ 0{spf} {channel.gain} 0 0 0 0 0 {channel.sig_name}")
        (folder / f"{name}_layout.hea").write_text("\n".join(head) + "\n")
    for number, part in enumerate(recording.parts):
        length = part if isinstance(part, int) else part.sig_len
        segment = "~" if isinstance(part, int) else f"{name}_{number}"
        if isinstance(part, Part):
            write_part(part, recording.frame_fs, folder, segment)
        lines.append(f"{segment} {length}")
        total += length
    head = f"{name}/{len(lines)} {len(first.channels)} {recording.frame_fs} {total}"
    (folder / f"{name}.hea").write_text("\n".join([head, *lines]) + "\n")
    return folder / name


def write_part(part: Part, frame_fs: str, folder: Path, name: str) -> Path:
    """Write a record of one segment."""
    lines = [f"{name} {len(part.channels)} {frame_fs} {part.sig_len}"]
    for number, file in enumerate(part.files):
        file_name = f"{name}_{number}.dat"
        starts = [int(c.stored[0]) for c in file.channels]
        write_signals(folder / file_name, file, part.sig_len)
        for channel, start in zip(file.channels, starts, strict=True):
            spf = "" if channel.samps_per_frame == 1 else f"x{channel.samps_per_frame}"
            skew = f":{channel.skew}" if channel.skew else ""
            offset = f"+{file.byte_offset}" if file.byte_offset else ""
            line = f"{file_name} {file.fmt}{spf}{skew}{offset}"
            if channel.gain:
                init = 0 if file.fmt == "8" else start
                total = int(channel.stored.sum()) % 65536
                checksum = total - 65536 if total > 32767 else total
                line += f" {channel.gain} 12 {channel.adc_zero} {init} {checksum} 0 {channel.sig_name}"
            lines.append(line)
    (folder / f"{name}.hea").write_text("\n".join(lines) + "\n")
    return folder / name


def write_signals(path: Path, file: SignalFile, sig_len: int) -> None:
    """Write a signal file: frame after frame, in each the samples of every signal."""
    framed = [channel.stored.reshape(sig_len, channel.samps_per_frame) for channel in file.channels]
    if file.fmt in FLAC:
        subtype, kind, shift = FLAC[file.fmt]
        columns = np.stack([channel.stored for channel in file.channels], axis=1).astype(kind) << shift
        soundfile.write(str(path), columns, 360, format="FLAC", subtype=subtype)
        return
    if file.fmt == "8":
        framed = [np.diff(c.reshape(-1), prepend=0).reshape(c.shape) for c in framed]
    flat = np.concatenate(framed, axis=1).reshape(-1)
    path.write_bytes(b"\x55" * file.byte_offset + encode(flat, file.fmt))


def encode(flat: np.ndarray, fmt: str) -> bytes:
    """Samples in the order of the file as bytes, by the words of signal(5)."""
    simple = {"8": "<i1", "16": "<i2", "61": ">i2", "32": "<i4"}
    if fmt in simple:
        return flat.astype(simple[fmt]).tobytes()
    if fmt == "80":
        return (flat + 128).astype("u1").tobytes()
    if fmt == "160":
        return (flat + 32768).astype("<u2").tobytes()
    if fmt == "24":
        return flat.astype("<i4").view("u1").reshape(-1, 4)[:, :3].tobytes()
    size = 2 if fmt == "212" else 3
    groups = np.concatenate([flat, np.zeros(-len(flat) % size, np.int64)]).reshape(-1, size).astype(np.int64)
    if fmt == "212":
        a, b = (groups & 0xFFF).T
        return np.stack([a & 255, a >> 8 | (b >> 8) << 4, b & 255], axis=1).astype("u1").tobytes()
    a, b, c = (groups & 0x3FF).T
    if fmt == "311":
        return (a | b << 10 | c << 20).astype("<u4").tobytes()
    return np.stack([a << 1 | (c & 31) << 11, b << 1 | (c >> 5) << 11], axis=1).astype("<u2").tobytes()
