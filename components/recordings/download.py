"""The MIT-BIH records fetched from PhysioNet through wfdb, and verified before they are used."""

from __future__ import annotations

import contextlib
import hashlib
import sys
import tempfile
from pathlib import Path

from components.errors import DataRefused, EnvironmentRefused, UsageError

DATABASE = "mitdb"
SUMS = "SHA256SUMS.txt"


def download_mitdb(folder: Path) -> int:
    """Fetch the MIT-BIH Arrhythmia Database into a folder, which appears only once all files are verified.

    Args:
        folder: where the records go; it must not exist, or be empty.

    Returns:
        How many files were fetched.

    Raises:
        UsageError: the folder holds something already.
        EnvironmentRefused: PhysioNet cannot be reached, or the folder cannot be written.
        DataRefused: a file differs from its checksum.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"{folder} is not empty; --download fetches the records into a new folder.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
            return _download(folder, Path(scratch) / DATABASE)
    except OSError as error:
        raise EnvironmentRefused(f"{error.filename or folder} cannot be written: {error.strerror or error}.") from error


def _download(folder: Path, fetched: Path) -> int:
    """Fetch into one folder, verify, and give it the other's name; returns how many files there are."""
    fetched.mkdir()
    _fetch([SUMS], fetched)
    sums = read_sums(fetched / SUMS)
    _fetch(list(sums), fetched)
    verify(fetched, sums)
    if folder.exists():
        folder.rmdir()
    fetched.rename(folder)
    return len(sums)


def read_sums(path: Path) -> dict[str, str]:
    """File name -> SHA-256, from a list in the form of sha256sum.

    Raises:
        DataRefused: a line is not of that form.
    """
    sums = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        digest, _, name = line.partition(" ")
        name = name.strip().lstrip("*")
        if len(digest) != 64 or not name or Path(name).is_absolute() or ".." in Path(name).parts:
            raise DataRefused(f"{path.name} of the download is not a list of checksums: {line[:100]!r}.")
        sums[name] = digest
    return sums


def verify(folder: Path, sums: dict[str, str]) -> None:
    """Compare files with their checksums.

    Raises:
        DataRefused: files differ or are missing; all are named.
    """
    bad = []
    for name, digest in sums.items():
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            bad.append(name)
    if bad:
        raise DataRefused(f"Downloaded files differ from their checksums in {SUMS}: {', '.join(bad)}. Try again.")


def _fetch(names: list[str], folder: Path) -> None:
    """Fetch files of the database; wfdb's own progress goes to stderr."""
    import wfdb

    try:
        with contextlib.redirect_stdout(sys.stderr):
            wfdb.dl_files(DATABASE, str(folder), names)
    except Exception as error:  # whatever the network or wfdb's client raises
        raise EnvironmentRefused(
            f"The records could not be fetched from PhysioNet: {error}. With a copy of the MIT-BIH Arrhythmia "
            "Database on this machine, name its folder with --wfdb and leave --download out."
        ) from error
