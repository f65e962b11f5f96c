"""Input files wherever they lie: listed with size and time, read in ranges, written whole.

A path without a scheme (or with `file://`) is local and never imports Beam; other URIs go through Beam's FileSystems.
"""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from components.errors import DataRefused, EnvironmentRefused, HeartbeatError
from components.io.remote import create_remote, list_remote, open_remote, unread_remote

CHUNK_BYTES = 1 << 20
"""Bytes a read asks for where the caller has no wish of its own: long for a disk, short for a cache."""

NOT_THERE: Final = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
"""What the system says of a path that is not a file's."""


@dataclass(frozen=True)
class InputFile:
    """One file to read.

    Attributes:
        path: local path or URI, as matched.
        size: bytes as stored, so compressed for a .gz.
        version: what changes when the content does: the time of the last change, or a checksum where there is no time.
    """

    path: str
    size: int
    version: str


def is_remote(path: str) -> bool:
    """Whether a path is a URI that only Beam's FileSystems can open."""
    return "://" in path and not path.startswith("file://")


def local_path(path: str) -> str:
    """A local path without its `file://`."""
    return path.removeprefix("file://")


def list_files(pattern: str) -> list[InputFile]:
    """Lists the files a path, a glob or a URI stands for, sorted by path; none is an empty list.

    Raises:
        UsageError: no file system has the URI's scheme.
        EnvironmentRefused: the URI's store cannot be reached, or does not let us list.
    """
    if is_remote(pattern):
        return [InputFile(path, size, version) for path, size, version in list_remote(pattern)]
    local = local_path(pattern)
    paths = [local] if os.path.exists(local) else sorted(glob.glob(local))
    stats = [(path, os.stat(path)) for path in paths if os.path.isfile(path)]
    return [InputFile(path, stat.st_size, f"mtime {stat.st_mtime_ns} ns") for path, stat in stats]


def fingerprint(files: Sequence[InputFile]) -> str:
    """A short hex name for exactly these files: it changes with any path, size, time or checksum."""
    lines = "".join(f"{file.path}\t{file.size}\t{file.version}\n" for file in sorted(files, key=lambda file: file.path))
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def open_input(path: str) -> Any:
    """Opens a file for reading its stored bytes; the object reads, seeks and closes.

    Raises:
        DataRefused: the file is not there.
        EnvironmentRefused: it cannot be opened for another reason.
    """
    if is_remote(path):
        return open_remote(path)
    try:
        return open(local_path(path), "rb", buffering=0)
    except OSError as error:
        raise _unread("open", path, error) from error


def _unread(act: str, path: str, error: Exception) -> HeartbeatError:
    """Why a file could not be opened or read."""
    if is_remote(path):
        return unread_remote(act, path, error)
    kind = DataRefused if isinstance(error, NOT_THERE) else EnvironmentRefused
    why = getattr(error, "strerror", None) or error
    return kind(f"Cannot {act} {path}: {why}. Check that it is there and readable.")


def open_output(path: str) -> BinaryIO:
    """Opens a file for writing from its start, making its folder where one is needed.

    Raises:
        OSError: a local file cannot be written.
        EnvironmentRefused: one of a store cannot.
    """
    if is_remote(path):
        output: BinaryIO = create_remote(path)
        return output
    local = local_path(path)
    os.makedirs(os.path.dirname(local) or ".", exist_ok=True)
    return open(local, "wb")


def read_range(path: str, start: int, end: int, chunk_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """Yields the stored bytes from start up to end, in chunks of `chunk_bytes` (the last one shorter).

    Raises:
        DataRefused: the file is not there, or ends before `end`: it changed while being read.
        EnvironmentRefused: it cannot be opened or read for another reason.
    """
    with closing(open_input(path)) as source:
        if start:
            source.seek(start)
        while start < end:
            wanted = min(chunk_bytes, end - start)
            chunk = _read(source, path, wanted)
            if len(chunk) < wanted:
                raise _shorter(path, start + len(chunk), end)
            start += len(chunk)
            yield chunk


def _shorter(path: str, size: int, expected: int) -> DataRefused:
    return DataRefused(f"{path} is {size} bytes long, expected {expected}: it changed while read.")


def _read(source: Any, path: str, wanted: int) -> bytes:
    """The next bytes of a file: fewer than wanted only at its end."""
    try:
        chunk: bytes = source.read(wanted)
        while chunk and len(chunk) < wanted and (more := source.read(wanted - len(chunk))):
            chunk += more
    except Exception as error:  # an OSError, or whatever the client of a store raises
        raise _unread("read", path, error) from error
    return chunk


def read_range_into(path: str, start: int, end: int, buffer: memoryview) -> Iterator[int]:
    """Read the stored bytes from start up to end into one reused buffer; yield how many of its bytes are valid.

    A local file is read straight into it: the kernel takes as long to give out memory as to fill it.

    Args:
        path: local, or a URI.
        start: first byte.
        end: byte after the last one.
        buffer: full each time but the last.

    Raises:
        DataRefused: the file is not there, or ends before `end`: it changed while being read.
        EnvironmentRefused: it cannot be opened or read for another reason.
    """
    if is_remote(path):
        for chunk in read_range(path, start, end, len(buffer)):
            buffer[: len(chunk)] = chunk
            yield len(chunk)
        return
    with closing(open_input(path)) as source:
        source.seek(start)
        while start < end:
            wanted = min(len(buffer), end - start)
            filled = _read_into(source, path, buffer[:wanted])
            if filled < wanted:
                raise _shorter(path, start + filled, end)
            start += wanted
            yield wanted


def _read_into(source: Any, path: str, buffer: memoryview) -> int:
    """Fills a buffer with the next bytes of a file and says how many: fewer than it holds only at the file's end."""
    filled = 0
    try:
        while filled < len(buffer) and (more := source.readinto(buffer[filled:])):
            filled += more
    except OSError as error:
        raise _unread("read", path, error) from error
    return filled
