"""Which records a folder holds."""

from __future__ import annotations

from pathlib import Path

from components.errors import DataRefused, EnvironmentRefused


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
