"""WFDB records by their headers: which ones a folder holds, and what each header says.

Headers are parsed to the letter of the format: what does not fit is quoted, never guessed.
"""

from __future__ import annotations

import codecs
import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from glob import glob
from pathlib import Path
from typing import Final, NamedTuple

from components.errors import DataRefused, EnvironmentRefused
from components.io.local_storage import files_below

LIST: Final = "RECORDS"
"""The file in which a folder lists its records, or folders of records, one per line."""

EDF: Final = (".edf", ".bdf")
"""Extensions, in lower case, of files that are recordings by themselves; they are part of the record's name."""

DEFAULT_FS: Final = Fraction(250)
"""Frames per second if the record line gives none."""

DEFAULT_GAIN: Final = 200.0
"""ADC units per physical unit if a signal line gives none, or 0."""

NOT_RECORDED: Final = "0"
"""Signal format of a signal that a segment does not hold."""

LARGEST_EXPONENT: Final = 20
"""A number with more digits before or after the point is invalid."""

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
RECORD_LINE = re.compile(
    rf"(?P<name>\S+)\s+(?P<n_sig>\d{{1,9}})"
    rf"(?:\s+(?P<fs>{NUMBER})(?:/{NUMBER})?(?:\({NUMBER}\))?(?:\s+(?P<sig_len>\d{{1,18}})(?:\s+(?P<start>.*))?)?)?"
)
"""`NAME[/SEGMENTS] N_SIG [FS[/COUNTER_FS][(COUNTER)] [SIG_LEN [TIME [DATE]]]]`."""

START = re.compile(r"(\d+):(\d+):(\d+)(?:\.(\d{1,6})\d*)?\s+(\d+)/(\d+)/(\d+)")
"""`HH:MM:SS[.FRACTION] DD/MM/YYYY`."""

SEGMENT_LINE = re.compile(r"(?P<name>\S+)\s+(?P<sig_len>\d{1,18})")
FORMAT_FIELD = re.compile(
    r"(?P<fmt>\d{1,9})(?:x(?P<samps_per_frame>\d{1,9}))?(?::(?P<skew>\d{1,18}))?(?:\+(?P<byte_offset>\d{1,18}))?"
)
GAIN_FIELD = re.compile(rf"(?P<adc_gain>{NUMBER})(?:\((?P<baseline>{NUMBER})\))?(?:/(?P<units>\S+))?")
INTEGER_FIELD = re.compile(r"[-+]?\d{1,18}(?:\.0*)?")
NOT_FINITE = re.compile(r"[-+]?(?:inf(?:inity)?|nan)(?:[(/].*)?", re.IGNORECASE)
"""A gain that is not a number, and not a signal's name either."""

EXAMPLE: Final = "100.dat 212 200(1024)/mV 11 1024 995 -22131 0 MLII"


class Signal(NamedTuple):
    """One signal line of a header."""

    file_name: str  # signal file, as written
    fmt: str  # WFDB signal format
    samps_per_frame: int  # samples in a frame
    skew: int  # frames by which its samples are delayed in the file
    byte_offset: int  # bytes before the first sample; in compressed formats, samples
    adc_gain: float  # ADC units per physical unit; negative if the signal is stored upside down
    baseline: float  # ADC units at 0 physical units
    units: str  # physical unit, mV if none is given
    init_value: int  # first sample; formats of differences start from it
    checksum: int | None  # 16-bit sum of all samples, None if the header has none
    sig_name: str  # description, empty if the header has none


@dataclass(frozen=True)
class Header:
    """One header file."""

    fs: Fraction  # frames per second
    sig_len: int  # frames; 0 if the header has none
    signals: tuple[Signal, ...]  # signal lines; empty if the record has segments, and in an outline
    segments: tuple[tuple[str, int], ...]  # record name and frames of each segment; empty if the record has none
    start: datetime | None = None  # local time of the first frame; None if the header has no time or no date
    files: tuple[str, ...] = ()  # names of the signal files, as written


def find_records(place: Path) -> tuple[Path, tuple[str, ...], tuple[str, ...]]:
    """Return the folder that a path matches, the names of records in it, and listed folders that are missing.

    Args:
        place: a folder; or a record, one of its files or an EDF file, or a glob of these, of which segments are left
            out as in a folder.

    Raises:
        DataRefused: nothing is there, or it is not a record; for folders as `list_records`.
        EnvironmentRefused: a file of the folder cannot be read.
    """
    if place.is_dir():
        return place, *list_records(place)
    folder, names = records_among([Path(name) for name in sorted(glob(str(place), recursive=True))] or [place])
    if not names:
        raise DataRefused(
            f"{place} is neither a folder nor a record: there is no folder of the name, and no file that is an EDF or "
            "BDF file or lies beside its header (*.hea)."
        )
    return folder, names, ()


def records_among(files: Sequence[Path]) -> tuple[Path, tuple[str, ...]]:
    """Return the records that files belong to, or that paths without extension name, except segments of others.

    Returns:
        The folder above all of them, and their names in it; none if there is no record.
    """
    stems = dict.fromkeys(stem for path in files if (stem := _stem(path)) is not None)
    if not stems:
        return Path(), ()
    headers = [header_path(stem) for stem in stems if stem.suffix.lower() not in EDF]
    segments = {header.parent / name for header in headers for name in _segment_names(header)}
    folder = Path(os.path.commonpath([stem.parent.absolute() for stem in stems]))
    return folder, tuple(os.path.relpath(stem.absolute(), folder) for stem in stems if stem not in segments)


def _stem(path: Path) -> Path | None:
    """Return the record that a file belongs to; None if it belongs to none."""
    if path.suffix.lower() in EDF:
        return path if path.is_file() else None
    return next((stem for stem in (path, path.with_suffix("")) if header_path(stem).is_file()), None)


def list_records(folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of a folder's records, with the path from the folder to each, and missing listed folders.

    The records are what its RECORDS file lists: records, headers, or folders that are listed in the same way. Without
    such a file they are all headers of the folder and of the folders in it, those of segments excepted, and all EDF and
    BDF files without a header of their name beside them, whose records are called as the file.

    Raises:
        DataRefused: the folder holds no record, or RECORDS is not text or lists its own folder.
        EnvironmentRefused: a file of the folder cannot be read.
    """
    missing: list[str] = []
    records = tuple(os.path.relpath(path, folder) for path in dict.fromkeys(_stems(folder, (), missing)))
    if not records:
        hint = f" It lists folders that are not there: {', '.join(missing[:5])}." if missing else ""
        raise DataRefused(
            f"{folder} holds no recording: no RECORDS file, no header of WFDB (*.hea), no *.edf or *.bdf.{hint}"
        )
    return records, tuple(missing)


def _stems(folder: Path, above: tuple[Path, ...], missing: list[str]) -> Iterator[Path]:
    """Yield the paths of a folder's records, without extension; add missing folders to `missing`."""
    listing = folder / LIST
    if folder.resolve() in above:
        raise DataRefused(f"{listing} lists a folder that it lies in.")
    if not listing.is_file():
        files = sorted(path for path in map(Path, files_below(str(folder))) if path.suffix.lower() in (".hea", *EDF))
        headers = [path for path in files if path.suffix == ".hea"]
        described = {header.with_suffix("") for header in headers}
        segments = {header.parent / name for header in headers for name in _segment_names(header)}
        for path in files:
            stem = path.with_suffix("")
            if path.suffix == ".hea" and stem not in segments:
                yield stem
            elif path.suffix.lower() in EDF and stem not in described and not path.name.startswith("."):
                yield path
        return
    try:
        lines = _read_lines(listing)
    except UnicodeDecodeError as error:
        raise DataRefused(
            f"{listing} is not {error.encoding.upper()} text, its byte {error.start} is "
            f"{error.object[error.start]:#04x}: it must list the records' names, one a line; "
            "without it every header in the folder is taken."
        ) from error
    for line in lines:
        entry = folder / line.replace("\\", "/")
        if header_path(entry).is_file():
            yield entry
        elif entry.is_dir():
            yield from _stems(entry, (*above, folder.resolve()), missing)
        elif line.endswith(("/", "\\")):
            missing.append(line)
        else:
            yield entry.with_suffix("") if entry.suffix == ".hea" else entry


def _segment_names(path: Path) -> list[str]:
    """Return the names of the segments that a header lists, even if the rest of it is wrong."""
    lines = _read_lines(path, "latin-1") if path.is_file() else []  # otherwise reading the record reports it
    return [line.split()[0] for line in lines[1:]] if lines and re.match(r"\S+/\d+\s", lines[0]) else []


def _read_lines(path: Path, fallback: str | None = None) -> list[str]:
    """Return the lines of a header or list that are neither empty nor comments, stripped, without a byte order mark.

    Args:
        path: a file in UTF-8, or in UTF-16 with its byte order mark.
        fallback: encoding of bytes that are neither; without it they raise UnicodeDecodeError.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EnvironmentRefused(f"{path} cannot be read: {error.strerror}.") from error
    try:
        is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = content.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        if fallback is None:
            raise
        text = content.decode(fallback)
    lines = (line.strip(" \t\0\x1a\ufeff") for line in re.split(r"\r\n|\r|\n", text))
    return [line for line in lines if line and not line.startswith("#")]


def header_path(stem: Path) -> Path:
    """Return the header of a record, given the record's path without extension."""
    return stem.with_name(f"{stem.name}.hea")


def read_header(stem: Path, *, outline: bool = False) -> Header:
    """Parse the header of a record, given the record's path without extension.

    An outline is without its signals, which is faster.

    Raises:
        DataRefused: it is missing, or a line is not in WFDB's format; the line is quoted.
        EnvironmentRefused: it cannot be read.
    """
    path = header_path(stem)
    if not path.is_file():
        raise DataRefused(f"its header {path.name} is missing.")
    lines = _read_lines(path, "latin-1")
    if not lines:
        raise DataRefused(f"its header {path.name} is empty.")
    record = RECORD_LINE.fullmatch(lines[0])
    fs = DEFAULT_FS if not record or record["fs"] is None else bounded_number(record["fs"])
    if not record or fs is None or fs <= 0:
        raise _unreadable(path, lines[0], "NAME SIGNALS FREQUENCY SAMPLES, as in '100 2 360 650000'")
    n_sig, sig_len = int(record["n_sig"]), int(record["sig_len"] or 0)
    segments = _segment_count(record["name"], n_sig, lines[1:])
    expected = n_sig if segments is None else segments
    if len(lines) - 1 != expected:
        what = "signals" if segments is None else "segments"
        raise DataRefused(f"its header {path.name} says {expected} {what} and describes {len(lines) - 1}.")
    start = _start(record["start"] or "")
    if segments is not None:
        return Header(fs, sig_len, (), tuple(_segment(path, line) for line in lines[1:]), start)
    signals = () if outline else tuple(_signal(path, line) for line in lines[1:])
    files = dict.fromkeys(line.split(None, 1)[0] for line in lines[1:])
    return Header(fs, sig_len, signals, (), start, tuple(files))


def _start(text: str) -> datetime | None:
    """Return the time at the end of a record line; None if it is not a time and date: no result depends on them."""
    if (match := START.fullmatch(text)) is None:
        return None
    *time, fraction, day, month, year = match.groups(default="")
    hour, minute, second = map(int, time)
    try:
        return datetime(int(year), int(month), int(day), hour, minute, second, int(fraction.ljust(6, "0")))
    except ValueError:
        return None


def _segment_count(name: str, n_sig: int, lines: list[str]) -> int | None:
    """Return the number of segments in a record line; None for none, and for a path that only looks like it."""
    announced = re.fullmatch(r".+/(\d+)", name)
    if announced is None:
        return None
    count = int(announced[1])
    described = count == len(lines) and all(SEGMENT_LINE.fullmatch(line) for line in lines)
    return None if not described and n_sig == len(lines) else count


def bounded_number(text: str) -> Fraction | None:
    """Return a decimal number exactly; None if it is not one, or has so many digits that it would take forever."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return Fraction(number) if number.is_finite() and abs(number.adjusted()) < LARGEST_EXPONENT else None


def _segment(path: Path, line: str) -> tuple[str, int]:
    segment = SEGMENT_LINE.fullmatch(line)
    if not segment:
        raise _unreadable(path, line, "SEGMENT SAMPLES, as in '100_1 21600' or '~ 1800'")
    return segment["name"], int(segment["sig_len"])


def _signal(path: Path, line: str) -> Signal:
    """Parse a signal line, in which all fields from any one after the format on may be missing."""
    fields = line.split(None, 8)
    layout = FORMAT_FIELD.fullmatch(fields[1]) if len(fields) > 1 else None
    if layout is None:
        raise _unreadable(path, line, f"FILE FORMAT GAIN ..., as in '{EXAMPLE}'")
    gain: dict[str, str | None] = {}
    integers: list[int | None] = [None] * 5  # adc_res, adc_zero, init_value, checksum, block_size
    description = fields[8] if len(fields) > 8 else ""
    for i, field in enumerate(fields[2:8]):
        pattern = INTEGER_FIELD if i else GAIN_FIELD
        if (match := pattern.fullmatch(field)) is None:
            if not field[0].isalpha() or NOT_FINITE.fullmatch(field):
                raise _unreadable(path, line, f"FILE FORMAT GAIN ..., as in '{EXAMPLE}'; {field!r} does not fit")
            description = line.split(None, 2 + i)[-1]  # the fields before it were left out
            break
        if i:
            integers[i - 1] = int(float(field))
        else:
            gain = match.groupdict()
    _, adc_zero, init_value, checksum, _ = integers
    adc_gain, baseline = (float(gain.get(name) or 0) for name in ("adc_gain", "baseline"))
    if not (math.isfinite(adc_gain) and math.isfinite(baseline)):
        raise _unreadable(path, line, f"FILE FORMAT GAIN ..., as in '{EXAMPLE}'; {fields[2]!r} is too large")
    return Signal(
        file_name=fields[0],
        fmt=layout["fmt"],
        samps_per_frame=int(layout["samps_per_frame"] or 0) or 1,
        skew=int(layout["skew"] or 0),
        byte_offset=int(layout["byte_offset"] or 0),
        adc_gain=adc_gain or DEFAULT_GAIN,
        baseline=baseline if gain.get("baseline") else float(adc_zero or 0),
        units=gain.get("units") or "mV",
        init_value=(adc_zero or 0) if init_value is None else init_value,
        checksum=None if checksum is None else checksum % 65536,
        sig_name=description.strip(),
    )


def _unreadable(path: Path, line: str, form: str) -> DataRefused:
    return DataRefused(f"its header {path.name} has a line that cannot be read: {line[:200]!r}; it should be {form}.")
