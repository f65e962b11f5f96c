"""The header of an EDF, EDF+ or BDF file.

Source: B. Kemp, A. Varri, A. C. Rosa, K. D. Nielsen, J. Gade, A simple format for exchange of digitized polygraphic
recordings, Electroencephalogr Clin Neurophysiol 82:391, 1992; B. Kemp, J. Olivan, European data format 'plus' (EDF+),
Clin Neurophysiol 114:1755, 2003.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Final

from components.errors import DataRefused, EnvironmentRefused
from components.recordings.header import Signal, bounded_number

SAMPLE_BYTES: Final = {"EDF": 2, "BDF": 3}
"""Signal format -> bytes of a sample, a signed integer with its low byte first."""

VERSIONS: Final = {b"0": "EDF", b"\xffBIOSEMI": "BDF"}
"""The first eight bytes of a file, without spaces -> its signal format."""

ANNOTATIONS: Final = ("EDF Annotations", "BDF Annotations")
"""Labels of signals that hold text instead of samples."""

FIRST_BYTES: Final = 256
"""Length of the header before its signals, and of its part about each signal."""

SIGNAL_FIELDS: Final = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
"""Widths of the header's fields of a signal; each field is stored for all signals before the next."""


@dataclass(frozen=True)
class EdfFile:
    """An EDF or BDF file, according to its header."""

    path: Path
    fmt: str  # EDF or BDF
    start: datetime | None  # local time, in whole seconds; None if the header has none
    records: int | None  # data records; None if unknown to the header
    seconds: Fraction  # duration of a data record; 0 if it has none
    discontinuous: bool  # EDF+D: there may be gaps between data records
    signals: tuple[Signal, ...]  # including annotations; in ADC units per physical unit, 0 if unknown

    @property
    def frame_fs(self) -> Fraction:
        """Return the number of data records per second; DataRefused if they have no duration."""
        if not self.seconds:
            raise DataRefused(f"the header of {self.path.name} says that its data records last 0 s, so it has no rate.")
        return 1 / self.seconds

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

    def offset(self, record: int) -> int:
        """Return where a data record begins in the file."""
        return FIRST_BYTES * (len(self.signals) + 1) + record * self.record_bytes


def read_edf_file(path: Path) -> EdfFile:
    """Read the header of an EDF or BDF file.

    Raises:
        DataRefused: it is missing, or its header is malformed.
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
            ends = (168, 184, 192, 236, 244, 252, 256)
            fields = [head[a:b].decode("latin-1").strip(" \0") for a, b in pairwise(ends)]
            start, header_bytes, reserved, records, seconds, n_sig = fields
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
    said, duration = _integer(path, "number of data records", records), bounded_number(seconds)
    if said < -1 or duration is None or duration < 0:
        raise DataRefused(f"the header of {path.name} says that it has {records} data records of {seconds!r} s.")
    columns, offset = [], 0
    for width in SIGNAL_FIELDS:
        columns.append([body[offset + i * width :][:width].strip(" \0") for i in range(count)])
        offset += width * count
    signals = tuple(_signal(path, fmt, row) for row in zip(*columns, strict=True))
    discontinuous = reserved.startswith(f"{fmt}+D")
    return EdfFile(path, fmt, _time(start), None if said < 0 else said, duration, discontinuous, signals)


def _time(text: str) -> datetime | None:
    """Return the time that a header gives as dd.mm.yyhh.mm.ss, in the years 1985 to 2084; None if it is not one."""
    try:
        day, month, year, hour, minute, second = (int(text[i : i + 2]) for i in (0, 3, 6, 8, 11, 14))
        return datetime(year + (1900 if year >= 85 else 2000), month, day, hour, minute, second)
    except ValueError:
        return None


def _signal(path: Path, fmt: str, row: tuple[str, ...]) -> Signal:
    """Return a signal from the fields of its header."""
    label, _, units, *ranges, _, samples, _ = row
    low, high, digital_low, digital_high = (bounded_number(text) for text in ranges)
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
