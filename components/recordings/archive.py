"""Which records a folder holds, and whether it is the MIT-BIH Arrhythmia Database."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from components.errors import DataRefused, EnvironmentRefused

MITDB: Final = tuple(
    str(number)
    for number in (
        100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 111, 112, 113, 114, 115, 116, 117, 118, 119, 121,
        122, 123, 124, 200, 201, 202, 203, 205, 207, 208, 209, 210, 212, 213, 214, 215, 217, 219, 220, 221,
        222, 223, 228, 230, 231, 232, 233, 234
    )
)  # fmt: skip
"""The records of the MIT-BIH Arrhythmia Database 1.0.0."""

SAME_PERSON: Final = {"202": "201"}
"""Record -> another record of MIT-BIH that was taken from the same person."""


def list_records(folder: Path) -> tuple[str, ...]:
    """Names of a folder's records: the lines of its RECORDS file, or its headers, without those of segments.

    Raises:
        DataRefused: the folder is missing or holds no record, or RECORDS is not text.
        EnvironmentRefused: a file of the folder cannot be read.
    """
    if not folder.is_dir():
        raise DataRefused(f"There is no folder {folder}; name the one that holds the records with --wfdb.")
    listing = folder / "RECORDS"
    if listing.is_file():
        lines = (line.strip() for line in _text(listing, "utf-8").splitlines())
        names = tuple(dict.fromkeys(line for line in lines if line))
    else:
        headers = sorted(folder.glob("*.hea"))
        segments = {name for header in headers for name in _segments(header)}
        names = tuple(header.stem for header in headers if header.stem not in segments)
    if not names:
        raise DataRefused(f"{folder} holds no WFDB record: neither a RECORDS file nor a header (*.hea).")
    return names


def is_mitdb(records: tuple[str, ...]) -> bool:
    """Whether these are records of MIT-BIH, all or some of them."""
    return set(records) <= set(MITDB)


def _segments(header: Path) -> list[str]:
    """Names of the segments that a multi-segment header lists."""
    lines = [line for line in _text(header, "latin-1").splitlines() if line and not line.startswith("#")]
    if not lines or "/" not in lines[0].split()[0]:
        return []
    return [line.split()[0] for line in lines[1:]]


def _text(path: Path, encoding: str) -> str:
    """A file's text."""
    try:
        return path.read_text(encoding=encoding)
    except UnicodeDecodeError as error:
        raise DataRefused(
            f"{path} is not {error.encoding.upper()} text, its byte {error.start} is {error.object[error.start]:#04x}: "
            "it must list the records' names, one a line; without it every header in the folder is taken."
        ) from error
    except OSError as error:
        raise EnvironmentRefused(f"{path} cannot be read: {error.strerror}.") from error
