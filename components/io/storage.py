"""Files on file systems and object stores: list, read, publish atomically, remove.

storage_at("/data/out")      a folder or file of this machine, also as file://
storage_at("s3://bucket/x")  a prefix or object of an S3 server (object_stores.py)
storage_at("gs://bucket/x")  the same on Google Cloud Storage
"""

from __future__ import annotations

import glob
import hashlib
import io
import os
import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Final, TypeVar

from components.errors import DataRefused, EnvironmentRefused

CHUNK_BYTES: Final = 1 << 20
"""Default bytes per read: long for a disk, short for a cache."""

RANGE_BUFFER_BYTES: Final = 64 << 10
"""Bytes of a range read ahead; longer reads go straight into the caller's memory."""

ABSENT: Final = "absent"
"""Version of a missing file."""

REQUESTS: Final = 16
"""Threads that request files: a store answers slowly, but many at once."""

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class InputFile:
    """One file to read.

    Attributes:
        path: local path or URI, as matched.
        size: bytes as stored, so compressed for a .gz.
        version: changes when the content does: the time of the last change.
    """

    path: str
    size: int
    version: str


def sha256_of(file: BinaryIO) -> str:
    """Return the SHA-256 in hex of the rest of an open file, read a MiB at a time."""
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


class Storage(ABC):
    """A folder or a file, local or on an object store. Names are relative to it; the empty name is the file itself.

    Files appear whole under their names, or not at all. Every method raises EnvironmentRefused if the file
    system or the store fails.

    Args:
        root: local path or URI.
    """

    poll_seconds: ClassVar[float]
    """How often to check for a change: on a store each check is a request."""

    def __init__(self, root: str) -> None:
        self.root = root

    def path(self, name: str = "") -> str:
        """Return the path or URI of a file."""
        return f"{self.root}/{name}" if name else self.root

    @abstractmethod
    def stat(self) -> InputFile | None:
        """Describe the file that the root names, in which every character stands for itself; None without one."""

    @abstractmethod
    def match(self) -> list[InputFile]:
        """List the files that the root matches, sorted by path; an empty list if none.

        A name that exists is used literally, and so are folders in a glob. A slash at the end means all in a folder.
        """

    @abstractmethod
    def sizes(self, below: str = "") -> dict[str, int]:
        """Map the names of all files below a folder, at any depth, to their sizes in bytes."""

    @abstractmethod
    def open(self, name: str = "") -> io.BufferedReader:
        """Open a file for reading its stored bytes.

        Raises:
            DataRefused: the file does not exist.
            EnvironmentRefused: it cannot be opened, or read on, for another reason.
        """

    @abstractmethod
    def read(self, name: str = "") -> bytes | None:
        """Read a whole file, or return None if there is none."""

    @abstractmethod
    def drafted(self, name: str = "") -> AbstractContextManager[tuple[Path, Callable[[], None]]]:
        """Yield a local path to write, and a function that publishes it under its name; otherwise nothing is left."""

    @abstractmethod
    def remove(self, name: str = "") -> None:
        """Remove a file; a missing one is no error."""

    @abstractmethod
    def remove_drafts(self) -> None:
        """Remove the drafts that killed processes left behind; only while no other process writes here."""

    @contextmanager
    def create(self, name: str = "") -> Iterator[BinaryIO]:
        """Open a file for writing; it appears when the block ends, and not at all if it raises."""
        with self.drafted(name) as (draft, publish):
            with _Draft(draft, self.path(name)) as raw, io.BufferedWriter(raw, 1 << 18) as file:
                yield file
            publish()

    def write(self, name: str, content: bytes) -> None:
        """Write a whole file, replacing any old one."""
        with self.create(name) as file:
            file.write(content)

    def fetch(self, name: str, target: Path) -> None:
        """Copy a file to a local path."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with self.open(name) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file, CHUNK_BYTES)


class _Draft(io.FileIO):
    """A new local file whose errors are sentences about its final name."""

    def __init__(self, draft: Path, target: str) -> None:
        self._target = target
        try:
            super().__init__(str(draft), "w")
        except OSError as error:
            raise unwritten(target, error) from error

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise unwritten(self._target, error) from error


def unwritten(path: str, error: OSError) -> EnvironmentRefused:
    """Say why a local file could not be written."""
    why = error.strerror or error
    return EnvironmentRefused(f"Cannot write {path}: {why}. Check the permissions and the free space.")


def is_remote(path: str) -> bool:
    """Whether a path is a URI of an object store."""
    return "://" in path and not path.startswith("file://")


def local_path(path: str) -> str:
    """Return a local path without its `file://`."""
    return path.removeprefix("file://")


def absolute_path(path: str) -> str:
    """Make a local path absolute, and strip trailing slashes from a URI of a store."""
    return path.rstrip("/") if is_remote(path) else os.path.abspath(local_path(path))


def check_name(path: str) -> None:
    """Refuse a path that is not UTF-8, which no file of results can hold.

    Raises:
        DataRefused: with the path's other bytes escaped.
    """
    try:
        path.encode()
    except UnicodeEncodeError as error:
        shown = os.fsencode(path).decode(errors="backslashreplace")
        raise DataRefused(f"{shown} has a name that is not UTF-8: rename it, or its folder.") from error


def storage_at(root: str | Path) -> Storage:
    """Return the storage of a path or URI; no request is sent to a store yet.

    Raises:
        UsageError: no storage has the URI's scheme.
    """
    root = str(root)
    if is_remote(root):
        from components.io.object_stores import ObjectStore

        return ObjectStore(root)
    from components.io.local_storage import LocalStorage

    return LocalStorage(local_path(root))


def find_file(path: str) -> InputFile | None:
    """Describe the file that a path or URI names, glob characters taken literally; None if there is none.

    Raises:
        UsageError: no storage has the URI's scheme.
        EnvironmentRefused: the URI's store cannot be reached.
    """
    return storage_at(path).stat()


def described(path: str) -> InputFile:
    """Describe a file as `find_file` does; a missing one has no bytes."""
    return find_file(path) or InputFile(path, 0, ABSENT)


def split_glob(pattern: str, is_folder: Callable[[str], bool]) -> tuple[str, str]:
    """Split off a glob's literal beginning: folders that exist under exactly these names.

    Returns:
        The literal beginning, and the glob with the characters of such folders escaped.
    """
    parts, taken = pattern.split("/"), 0
    while taken < len(parts) - 1 and (
        glob.escape(parts[taken]) == parts[taken] or is_folder("/".join(parts[: taken + 1]))
    ):
        taken += 1
    begin, rest = "/".join([*parts[:taken], ""]), "/".join(parts[taken:])
    return begin + re.split(r"[*?[]", rest, maxsplit=1)[0], glob.escape(begin) + rest


def each_once(items: Iterable[T], path_of: Callable[[T], str]) -> dict[str, T]:
    """Key items by absolute path or URI, in order; of several with the same one keep the first."""
    once: dict[str, T] = {}
    for item in items:
        once.setdefault(absolute_path(path_of(item)), item)
    return once


def list_files(pattern: str) -> list[InputFile]:
    """List the files that a path, a glob or a URI matches, sorted by path; an empty list if none.

    A name that exists is used literally, even with glob characters; a slash at the end means all in a folder.

    Raises:
        UsageError: no storage has the URI's scheme.
        EnvironmentRefused: the URI's store cannot be reached, or does not allow listing.
    """
    return storage_at(pattern).match()


def ask_all(ask: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Return the result of `ask` for each item, in order, from many threads; each takes several items at a time."""
    waiting = list(items)
    step = min(max(len(waiting) // (4 * REQUESTS), 1), 8)  # few: an interruption waits for those that were begun
    runs = [waiting[first : first + step] for first in range(0, len(waiting), step)]
    with ThreadPoolExecutor(REQUESTS) as pool:
        return [answer for run in pool.map(lambda run: list(map(ask, run)), runs) for answer in run]


def fingerprint(files: Sequence[InputFile]) -> str:
    """Return 16 hex digits that identify these files and change with any path, size or version."""
    lines = "".join(f"{file.path}\t{file.size}\t{file.version}\n" for file in sorted(files, key=lambda file: file.path))
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


@contextmanager
def open_range(path: str, start: int, end: int) -> Iterator[io.BufferedReader]:
    """Open the stored bytes of a file from start up to end for reading.

    Raises:
        DataRefused: the file is not there, or ends before `end`: it changed while being read.
        EnvironmentRefused: it cannot be opened or read for another reason.
    """
    with storage_at(path).open() as file:
        file.seek(start)
        yield io.BufferedReader(_Range(path, file, start, end), RANGE_BUFFER_BYTES)


class _Range(io.RawIOBase):
    """The next bytes of an open file up to a place that it must reach."""

    def __init__(self, path: str, file: io.BufferedReader, start: int, end: int) -> None:
        self._path, self._file, self._position, self._end = path, file, start, end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        wanted = min(len(buffer), self._end - self._position)
        count = self._file.readinto(memoryview(buffer)[:wanted])
        self._position += count
        if count < wanted:
            raise DataRefused(
                f"{self._path} is {self._position} bytes long, expected {self._end}: it changed while read."
            )
        return count


def read_range(path: str, start: int, end: int) -> bytes:
    """Read the stored bytes of a file from start up to end; errors as of `open_range`."""
    with open_range(path, start, end) as file:
        return file.read(end - start)


def read_whole(path: str) -> bytes:
    """Read a file that must be there.

    Raises:
        DataRefused: it does not exist.
        EnvironmentRefused: it cannot be read for another reason.
    """
    with storage_at(path).open() as source:
        return source.read()


def write_whole(path: str | Path, content: bytes | str) -> None:
    """Write a file, text as UTF-8, so that a reader sees the old content or the new, never a part.

    Raises:
        EnvironmentRefused: it cannot be written.
    """
    storage_at(path).write("", content.encode() if isinstance(content, str) else content)
