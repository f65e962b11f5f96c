"""Version directories on an object store, through Beam's file systems; without a rename, saved_model.pb is last."""

from __future__ import annotations

import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from apache_beam.io.filesystem import BeamIOError

from components.errors import EnvironmentRefused
from components.io.numbering import COMPLETE, next_version, version_of
from components.io.objects import create_object, open_object, store_told, write_object
from components.io.remote import file_systems

CLAIM = "claim-"
"""Prefix of the object by which a push claims a number before it copies anything."""

ATTEMPTS = 8


class RemoteStore:
    """The version directories under one prefix of an object store.

    Args:
        top: URI of the prefix.
    """

    def __init__(self, top: str) -> None:
        self.top = top.rstrip("/")

    def location(self, version: int) -> str:
        """Where a version lies.

        Source: a version is a prefix named by its number.
        """
        return f"{self.top}/{version}"

    def versions(self) -> list[int]:
        """Numbers of the complete versions, ascending.

        Source: complete is what holds saved_model.pb.

        Raises:
            EnvironmentRefused: the store is not reached.
        """
        return sorted({version for version, name in self._objects() if name == COMPLETE})

    def _objects(self) -> list[tuple[int, str]]:
        """(version, path within it) of every object of every version."""
        found = []
        for path in self._listed(f"{self.top}/**"):
            number, _, name = path[len(self.top) + 1 :].partition("/")
            version = version_of(number)
            if version is not None and name:
                found.append((version, name))
        return found

    def _listed(self, pattern: str) -> list[str]:
        try:
            [matched] = file_systems(pattern).match([pattern])
        except (BeamIOError, OSError, ValueError) as error:
            raise EnvironmentRefused(f"The serving directory {self.top} cannot be listed: {error}.") from error
        return [metadata.path for metadata in matched.metadata_list]

    @contextmanager
    def opened(self, version: int) -> Iterator[Path]:
        """A version as a local folder, which is removed afterwards.

        Source: its objects are downloaded.

        Raises:
            EnvironmentRefused: the store is not reached.
        """
        with tempfile.TemporaryDirectory(prefix="heartbeat-version-") as folder:
            top = self.location(version)
            for path in self._listed(f"{top}/**"):
                target = Path(folder) / path[len(top) + 1 :]
                target.parent.mkdir(parents=True, exist_ok=True)
                with store_told(f"read {path}"), open_object(path) as source, target.open("wb") as file:
                    shutil.copyfileobj(source, file)
            yield Path(folder)

    def read(self, version: int, name: str) -> bytes | None:
        """A file of a version, or None when it has none of this name.

        Source: a path relative to the version.

        Raises:
            EnvironmentRefused: the store is not reached.
        """
        path = f"{self.location(version)}/{name}"
        with store_told(f"read {path}"):
            if not file_systems(path).exists(path):
                return None
            with open_object(path) as source:
                content: bytes = source.read()
        return content

    def publish(self, source: Path, now: float) -> int:
        """Copy a folder into a new version, which is complete once its saved_model.pb is there.

        Source: a number is claimed, everything else is copied, saved_model.pb last.

        Args:
            source: what the version is to hold.
            now: seconds since 1970, for its number.

        Raises:
            EnvironmentRefused: the store is not reached, or other pushes took every number that was tried.
        """
        version, claim = self._claimed(now)
        names = sorted(file.relative_to(source).as_posix() for file in source.rglob("*") if file.is_file())
        names.sort(key=lambda name: name == COMPLETE)
        for name in names[:-1]:
            self._upload(source / name, f"{self.location(version)}/{name}")
        with store_told(f"remove {claim}"):
            file_systems(claim).delete([claim])
        self._upload(source / names[-1], f"{self.location(version)}/{names[-1]}")
        return version

    def _claimed(self, now: float) -> tuple[int, str]:
        """Claim a number: whoever sees a second claim beside its own withdraws, so that two never share one."""
        mine = f"{CLAIM}{uuid.uuid4().hex}"
        random = Random(mine)
        for _ in range(ATTEMPTS):
            taken = [version for version, _ in self._objects()]
            version = next_version(taken, now + random.randrange(ATTEMPTS) if _ else now)
            claim = f"{self.location(version)}/{mine}"
            with store_told(f"write {claim}"), create_object(claim) as file:
                file.write(b"being pushed\n")
            if [name for number, name in self._objects() if number == version] == [mine]:
                return version, claim
            with store_told(f"remove {claim}"):
                file_systems(claim).delete([claim])
            time.sleep(random.random())
        raise EnvironmentRefused(f"Other pushes to {self.top} took each of {ATTEMPTS} numbers; try again.")

    def _upload(self, source: Path, target: str) -> None:
        with store_told(f"write {target}"), source.open("rb") as file:
            write_object(target, file)
