"""Storage on file systems of this machine: a file appears by a rename, after its content is on the disk."""

from __future__ import annotations

import glob
import io
import os
import stat
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from components.errors import DataRefused, EnvironmentRefused, HeartbeatError
from components.io.storage import InputFile, Storage, split_glob, unwritten

DRAFT: Final = ".part-"
"""Prefix of a local file that is still being written."""

ABSENT: Final = (FileNotFoundError, NotADirectoryError)
"""Errors of a path that does not exist."""


def files_below(folder: str) -> Iterator[str]:
    """Yield the paths of all files in a folder and in those below it; links to folders are not followed.

    Raises:
        EnvironmentRefused: a folder cannot be listed, so its files would be silently skipped.
    """

    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError) and os.path.basename(error.filename) != "lost+found":
            raise EnvironmentRefused(f"Cannot list {error.filename}: {error.strerror}.") from error

    for top, _, names in os.walk(folder, onerror=refuse):
        for name in names:
            yield os.path.join(top, name)


class LocalStorage(Storage):
    """A folder or file on this machine."""

    poll_seconds = 0.5

    def stat(self) -> InputFile | None:
        """Describe the file; None for a folder, or if nothing is there."""
        return _described(self.root)

    def match(self) -> list[InputFile]:
        """List the files of a path, a glob or a folder; a path that exists is used literally."""
        if self.root.endswith("/") and os.path.isdir(self.root):
            try:
                paths = sorted(entry.path for entry in os.scandir(self.root))
            except OSError as error:
                raise _unread("list", self.root, error) from error
        else:
            paths = (
                [self.root]
                if os.path.exists(self.root)
                else sorted(glob.glob(split_glob(self.root, os.path.isdir)[1], recursive=True))
            )
        return [file for path in paths if (file := _described(path)) is not None]

    def sizes(self, below: str = "") -> dict[str, int]:
        """Map names to sizes; drafts are not listed."""
        return {name: size for name, size in self._walk(below) if not os.path.basename(name).startswith(DRAFT)}

    def _walk(self, below: str) -> Iterator[tuple[str, int]]:
        for path in files_below(self.path(below)):
            with suppress(FileNotFoundError):
                yield os.path.relpath(path, self.root), os.stat(path).st_size

    def open(self, name: str = "") -> io.BufferedReader:
        """Open a file."""
        return io.BufferedReader(_Input(self.path(name)))

    def read(self, name: str = "") -> bytes | None:
        """Read a whole file, or return None if there is none."""
        try:
            return Path(self.path(name)).read_bytes()
        except ABSENT:
            return None
        except OSError as error:
            raise _unread("read", self.path(name), error) from error

    @contextmanager
    def drafted(self, name: str = "") -> Iterator[tuple[Path, Callable[[], None]]]:
        """Yield a path beside the final one; each draft has a unique name, as two workers may do the same shard."""
        target = Path(self.path(name))
        draft = target.with_name(f"{DRAFT}{uuid.uuid4().hex}")

        def publish() -> None:
            try:
                with draft.open("rb") as file:
                    os.fsync(file.fileno())
                draft.replace(target)
            except OSError as error:
                raise unwritten(str(target), error) from error

        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritten(str(target), error) from error
        try:
            yield draft, publish
        finally:
            with suppress(FileNotFoundError):
                draft.unlink()

    def remove(self, name: str = "") -> None:
        """Remove a file; a missing one is no error."""
        try:
            os.unlink(self.path(name))
        except FileNotFoundError:
            return
        except OSError as error:
            raise EnvironmentRefused(f"Cannot remove {self.path(name)}: {error.strerror}.") from error

    def remove_drafts(self) -> None:
        """Remove the drafts that killed processes left behind; only while no other process writes here."""
        for name, _ in list(self._walk("")):
            if os.path.basename(name).startswith(DRAFT):
                self.remove(name)


def _described(path: str) -> InputFile | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return InputFile(path, found.st_size, f"mtime {found.st_mtime_ns} ns") if stat.S_ISREG(found.st_mode) else None


class _Input(io.FileIO):
    """A local file whose errors are sentences."""

    def __init__(self, path: str) -> None:
        try:
            super().__init__(path)
        except OSError as error:
            raise _unread("open", path, error) from error

    def readall(self) -> bytes:
        try:
            return super().readall()
        except OSError as error:
            raise _unread("read", str(self.name), error) from error

    def readinto(self, buffer: Any, /) -> int:
        try:
            return super().readinto(buffer)
        except OSError as error:
            raise _unread("read", str(self.name), error) from error


def _unread(act: str, path: str, error: OSError) -> HeartbeatError:
    kind = DataRefused if isinstance(error, (*ABSENT, IsADirectoryError)) else EnvironmentRefused
    return kind(f"Cannot {act} {path}: {error.strerror or error}. Check that it is there and readable.")
