"""Version directories on a file system: each appears by one rename, under a lock that dies with its process."""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.errors import EnvironmentRefused
from components.io.numbering import COMPLETE, next_version, version_of

INCOMING = ".incoming-"
"""Prefix of a version that is still being copied: no number, so nobody who lists versions sees it."""


class LocalStore:
    """The version directories in one folder of a file system.

    Args:
        top: the folder; made by the first push.
    """

    def __init__(self, top: Path) -> None:
        self.top = top

    def location(self, version: int) -> str:
        """Where a version lies.

        Source: a version is a folder named by its number.
        """
        return str(self.top / str(version))

    def versions(self) -> list[int]:
        """Numbers of the complete versions, ascending.

        Source: complete is what holds saved_model.pb.

        Raises:
            EnvironmentRefused: the folder cannot be read.
        """
        return [number for number in self._numbers() if (self.top / str(number) / COMPLETE).is_file()]

    def _numbers(self) -> list[int]:
        try:
            names = os.listdir(self.top)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise EnvironmentRefused(f"The serving directory {self.top} cannot be read: {error.strerror}.") from error
        return sorted(number for name in names if (number := version_of(name)) is not None)

    @contextmanager
    def opened(self, version: int) -> Iterator[Path]:
        """A version as a local folder, not to be written to.

        Source: for a file system that is the version itself.
        """
        yield self.top / str(version)

    def read(self, version: int, name: str) -> bytes | None:
        """A file of a version, or None when it has none of this name.

        Source: a path relative to the version.

        Raises:
            EnvironmentRefused: the file cannot be read.
        """
        file = self.top / str(version) / name
        try:
            return file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise EnvironmentRefused(f"{file} cannot be read: {error.strerror}.") from error

    def publish(self, source: Path, now: float) -> int:
        """Copy a folder into a new version, which appears complete.

        Source: copied under a name without number in the same folder, then renamed.

        Args:
            source: what the version is to hold.
            now: seconds since 1970, for its number.

        Raises:
            EnvironmentRefused: the folder cannot be written, or the disk is full.
        """
        try:
            self.top.mkdir(parents=True, exist_ok=True)
            with self._locked():
                self._clear_abandoned()
                version = next_version(self._numbers(), now)
                incoming = self.top / f"{INCOMING}{uuid.uuid4().hex}"
                try:
                    shutil.copytree(source, incoming)
                    _flush(incoming)
                    incoming.rename(self.top / str(version))
                    _flush_folder(self.top)
                finally:
                    shutil.rmtree(incoming, ignore_errors=True)
                return version
        except OSError as error:
            why = error.strerror or str(error)
            raise EnvironmentRefused(
                f"The model cannot be pushed to {self.top}: {why}. Check its permissions and the free space."
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the folder itself locked: no lock file lies about, and the lock dies with its process."""
        handle = os.open(self.top, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _clear_abandoned(self) -> None:
        """Remove what killed pushes left; whoever holds the lock knows that nobody is copying."""
        for left in self.top.glob(f"{INCOMING}*"):
            shutil.rmtree(left)


def _flush(top: Path) -> None:
    """Have every file on the disk before the rename that makes it visible."""
    for path in [*top.rglob("*"), top]:
        if path.is_dir():
            _flush_folder(path)
        else:
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
