"""A scoring directory as a few acts: list, read, publish whole files, remove. On a file system and an object store."""

from __future__ import annotations

import contextlib
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from components.errors import EnvironmentRefused
from components.io.files import is_remote, local_path
from components.io.objects import open_object, store_told, write_object
from components.io.remote import file_systems

TEMPORARY = ".part-"
"""Prefix of a file that is still being written; nobody who lists a folder for its results sees it."""

Publish = Callable[[], None]


class Folder(Protocol):
    """Where a job's files lie, by names such as `parts/00000-x-00000.parquet`."""

    place: str

    def names(self, below: str = "") -> dict[str, int]:
        """Names of all files below a folder, with their sizes in bytes."""

    def read(self, name: str) -> bytes | None:
        """A file's bytes, or None when there is none."""

    def drafted(self, name: str) -> contextlib.AbstractContextManager[tuple[Path, Publish]]:
        """A local file to write, and the act that makes it appear, whole, under its name."""

    def remove(self, name: str) -> None:
        """Remove a file; one that is gone already is as good."""


def folder_at(place: str) -> Folder:
    """The folder behind a directory or a URI."""
    return RemoteFolder(place) if is_remote(place) else LocalFolder(os.path.abspath(local_path(place)))


def write_whole(folder: Folder, name: str, content: bytes) -> None:
    """Make a small file appear under its name, whole or not at all.

    Raises:
        EnvironmentRefused: it cannot be written.
    """
    with folder.drafted(name) as (draft, publish):
        try:
            draft.write_bytes(content)
        except OSError as error:
            raise _refused(f"{folder.place}/{name}", error) from error
        publish()


def _refused(path: str, error: Exception) -> EnvironmentRefused:
    why = getattr(error, "strerror", None) or str(error)
    return EnvironmentRefused(f"Cannot write {path}: {why}. Check the permissions and the free space.")


class LocalFolder:
    """A directory; a file appears by a rename.

    Args:
        place: absolute path; made when something is written.
    """

    def __init__(self, place: str) -> None:
        self.place = place

    def names(self, below: str = "") -> dict[str, int]:
        """Names of all files below a folder, with their sizes in bytes.

        Source: the directory tree; drafts of the living and of the dead are not listed.

        Raises:
            EnvironmentRefused: the directory cannot be read.
        """
        return {name: size for name, size in self._walk(below) if not os.path.basename(name).startswith(TEMPORARY)}

    def _walk(self, below: str) -> Iterator[tuple[str, int]]:
        def refuse(error: OSError) -> None:
            if not isinstance(error, FileNotFoundError):
                raise EnvironmentRefused(f"Cannot list {error.filename}: {error.strerror}.") from error

        for top, _, files in os.walk(os.path.join(self.place, below), onerror=refuse):
            for file in files:
                path = os.path.join(top, file)
                with contextlib.suppress(FileNotFoundError):
                    yield os.path.relpath(path, self.place), os.stat(path).st_size

    def read(self, name: str) -> bytes | None:
        """A file's bytes, or None when there is none.

        Source: the path below the directory.

        Raises:
            EnvironmentRefused: it cannot be read.
        """
        try:
            return Path(self.place, name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise EnvironmentRefused(f"Cannot read {self.place}/{name}: {error.strerror}.") from error

    @contextmanager
    def drafted(self, name: str) -> Iterator[tuple[Path, Publish]]:
        """A file beside the final one to write, and the rename.

        Source: a name of its own for every draft, as two workers may do the same shard.

        Raises:
            EnvironmentRefused: it cannot be written.
        """
        target = Path(self.place, name)
        draft = target.with_name(f"{TEMPORARY}{uuid.uuid4().hex}")

        def publish() -> None:
            try:
                with draft.open("rb") as file:
                    os.fsync(file.fileno())
                draft.replace(target)
            except OSError as error:
                raise _refused(str(target), error) from error

        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _refused(str(target), error) from error
        try:
            yield draft, publish
        finally:
            draft.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Remove a file; one that is gone already is as good.

        Source: unlink.

        Raises:
            EnvironmentRefused: it cannot be removed.
        """
        try:
            Path(self.place, name).unlink(missing_ok=True)
        except OSError as error:
            raise EnvironmentRefused(f"Cannot remove {self.place}/{name}: {error.strerror}.") from error

    def remove_drafts(self) -> None:
        """Remove what killed workers left half written; only for who holds the job's lock."""
        for name, _ in list(self._walk("")):
            if os.path.basename(name).startswith(TEMPORARY):
                self.remove(name)


class RemoteFolder:
    """A prefix of an object store, through Beam's file systems; a file appears by one PUT.

    Args:
        place: URI of the prefix.
    """

    def __init__(self, place: str) -> None:
        self.place = place.rstrip("/")

    def names(self, below: str = "") -> dict[str, int]:
        """Names of all objects below a prefix, with their sizes in bytes.

        Source: a listing.

        Raises:
            EnvironmentRefused: the store is not reached.
        """
        from apache_beam.io.filesystem import BeamIOError

        top = f"{self.place}/{below}".rstrip("/")
        try:
            [matched] = file_systems(top).match([f"{top}/**"])
        except (BeamIOError, OSError, ValueError) as error:
            raise EnvironmentRefused(f"Cannot list {top}: {error}. Check the network and the bucket.") from error
        return {each.path[len(self.place) + 1 :]: each.size_in_bytes for each in matched.metadata_list}

    def read(self, name: str) -> bytes | None:
        """An object's bytes, or None when there is none.

        Source: GET.

        Raises:
            EnvironmentRefused: the store is not reached.
        """
        path = f"{self.place}/{name}"
        with store_told(f"read {path}"):
            if not file_systems(path).exists(path):
                return None
            with open_object(path) as source:
                content: bytes = source.read()
        return content

    @contextmanager
    def drafted(self, name: str) -> Iterator[tuple[Path, Publish]]:
        """A file in this machine's temporary folder to write, and the PUT.

        Source: an upload that breaks off leaves no object, so a draft in the store would be of no use.

        Raises:
            EnvironmentRefused: the store is not reached.
        """
        path = f"{self.place}/{name}"

        with tempfile.TemporaryDirectory(prefix="heartbeat-score-") as scratch:
            draft = Path(scratch) / "draft"

            def publish() -> None:
                with store_told(f"write {path}"), draft.open("rb") as source:
                    write_object(path, source)

            yield draft, publish

    def remove(self, name: str) -> None:
        """Remove an object; one that is gone already is as good.

        Source: DELETE.

        Raises:
            EnvironmentRefused: the store is not reached.
        """
        path = f"{self.place}/{name}"
        with store_told(f"remove {path}"):
            if file_systems(path).exists(path):
                file_systems(path).delete([path])
