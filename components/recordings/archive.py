"""Which records a folder holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from components.beat import RECORD_RATE_HZ
from components.errors import DataRefused
from components.recordings.header import header_path, read_header, read_lines, segment_names
from components.recordings.splits import MITDB

LIST: Final = "RECORDS"
"""The file by which a folder lists its records, or folders of records, one a line."""

EDF: Final = (".edf", ".bdf", ".rec")


MITDB_SIG_LEN: Final = 650_000
"""Samples of every record of the MIT-BIH Arrhythmia Database."""


@dataclass(frozen=True)
class Archive:
    """A folder of records.

    Attributes:
        folder: the folder.
        records: names of its records, with the path from the folder to each.
        missing: folders that it lists and that are not there.
    """

    folder: Path
    records: tuple[str, ...]
    missing: tuple[str, ...]

    def is_mitdb(self) -> bool:
        """Return whether these are records of the MIT-BIH Arrhythmia Database, all or some of them."""
        if not set(self.records) <= set(MITDB):
            return False
        headers = []
        for record in self.records:
            with suppress(DataRefused):
                headers.append(read_header(self.folder / record))
        return all((header.fs, header.sig_len) == (Fraction(RECORD_RATE_HZ), MITDB_SIG_LEN) for header in headers)


def open_archive(folder: Path) -> Archive:
    """List the records of a folder.

    They are what its RECORDS file lists: records, headers, or folders that are looked into in the same way. Without
    such a file they are all headers of the folder and of the folders in it, those of segments left out.

    Raises:
        DataRefused: the folder is missing or holds no record, or RECORDS is not text or lists its own folder.
        EnvironmentRefused: a file of the folder cannot be read.
    """
    if not folder.is_dir():
        raise DataRefused(f"There is no folder {folder}; name the one that holds the records with --wfdb.")
    missing: list[str] = []
    records = tuple(os.path.relpath(path, folder) for path in dict.fromkeys(_records(folder, (), missing)))
    if not records:
        hint = ""
        if any(path.suffix.lower() in EDF for path in folder.rglob("*")):
            hint = " It holds EDF files, which are not read: edf2mit of PhysioNet's WFDB tools converts them."
        elif missing:
            hint = f" It lists folders that are not there: {', '.join(missing[:5])}."
        raise DataRefused(f"{folder} holds no WFDB record: neither a RECORDS file nor a header (*.hea).{hint}")
    return Archive(folder, records, tuple(missing))


def _records(folder: Path, above: tuple[Path, ...], missing: list[str]) -> Iterator[Path]:
    """Yield the paths of a folder's records, without extension; add folders that are not there to `missing`."""
    listing = folder / LIST
    if folder.resolve() in above:
        raise DataRefused(f"{listing} lists a folder that it lies in.")
    if not listing.is_file():
        yield from _found(folder)
        return
    for line in _lines(listing):
        entry = folder / line.replace("\\", "/")
        if header_path(entry).is_file():
            yield entry
        elif entry.is_dir():
            yield from _records(entry, (*above, folder.resolve()), missing)
        elif line.endswith(("/", "\\")):
            missing.append(line)
        else:
            yield entry.with_suffix("") if entry.suffix == ".hea" else entry


def _found(folder: Path) -> list[Path]:
    """Return the headers in a folder and below, without extension and without those of segments."""
    headers = sorted(folder.rglob("*.hea"))
    segments = {header.parent / name for header in headers for name in segment_names(header)}
    return [stem for stem in (header.with_suffix("") for header in headers) if stem not in segments]


def _lines(listing: Path) -> list[str]:
    """Return the lines of a RECORDS file."""
    try:
        return read_lines(listing)
    except UnicodeDecodeError as error:
        raise DataRefused(
            f"{listing} is not {error.encoding.upper()} text, its byte {error.start} is "
            f"{error.object[error.start]:#04x}: it must list the records' names, one a line; "
            "without it every header in the folder is taken."
        ) from error
