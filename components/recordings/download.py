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
    """Fetch the MIT-BIH Arrhythmia Database into a new or empty folder, and return the number of files.

    The folder appears once all files are verified.

    Raises:
        UsageError: the folder is not empty.
        EnvironmentRefused: PhysioNet cannot be reached, or the folder cannot be written.
        DataRefused: a file differs from its checksum.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"{folder} is not empty; --download fetches the records into a new folder.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
            fetched = Path(scratch) / DATABASE
            fetched.mkdir()
            _fetch([SUMS], fetched)
            sums = read_sums(fetched / SUMS)
            _fetch(list(sums), fetched)
            verify(fetched, sums)
            if folder.exists():
                folder.rmdir()
            fetched.rename(folder)
            return len(sums)
    except OSError as error:
        raise EnvironmentRefused(f"{error.filename or folder} cannot be written: {error.strerror or error}.") from error


def read_sums(path: Path) -> dict[str, str]:
    """Return file name -> SHA-256 from a list in the form of sha256sum, or raise DataRefused."""
    sums = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        digest, _, name = line.partition(" ")
        name = name.strip().lstrip("*")
        if len(digest) != 64 or not name or Path(name).is_absolute() or ".." in Path(name).parts:
            raise DataRefused(f"{path.name} of the download is not a list of checksums: {line[:100]!r}.")
        sums[name] = digest
    return sums


def verify(folder: Path, sums: dict[str, str]) -> None:
    """Raise DataRefused, which names them all, if files differ from their checksums or are missing."""

    def differs(name: str) -> bool:
        path = folder / name
        return not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != sums[name]

    if bad := [name for name in sums if differs(name)]:
        raise DataRefused(f"Downloaded files differ from their checksums in {SUMS}: {', '.join(bad)}. Try again.")


def _fetch(names: list[str], folder: Path) -> None:
    """Fetch files of the database; wfdb's own progress goes to stderr."""
    import wfdb

    try:
        with contextlib.redirect_stdout(sys.stderr):
            wfdb.dl_files(DATABASE, str(folder), names)
    except Exception as error:  # any error of the network or of wfdb's client
        raise EnvironmentRefused(
            f"The records could not be fetched from PhysioNet: {error}. With a copy of the MIT-BIH Arrhythmia "
            "Database on this machine, name its folder with --wfdb and leave --download out."
        ) from error
