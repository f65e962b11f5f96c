"""The serving directory: list its versions, read what lies beside them, push a new one, roll back to an old one."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

from components.errors import UsageError
from components.io.digest import model_digest
from components.io.local_store import LocalStore
from components.io.names import DIGESTS, METRICS, ORIGIN, SIDECAR_DIR, STATISTICS


class Store(Protocol):
    """Where version directories lie: a file system or an object store."""

    def location(self, version: int) -> str:
        """Where a version lies."""

    def versions(self) -> list[int]:
        """Numbers of the complete versions, ascending."""

    def opened(self, version: int) -> AbstractContextManager[Path]:
        """A version as a local folder, not to be written to."""

    def read(self, version: int, name: str) -> bytes | None:
        """A file of a version, or None when it has none of this name."""

    def publish(self, source: Path, now: float) -> int:
        """Copy a folder into a new version, which appears complete."""


@dataclass(frozen=True)
class PushedVersion:
    """A version and what its sidecars say.

    Attributes:
        version: its number, the second of its push since 1970.
        location: its directory or URI.
        digest: of the model as it was pushed, 64 hex digits; None when nobody noted it.
        metrics: what `metrics.json` holds; empty when a version has none.
        digests: what `digests.json` holds; empty when a version has none.
        origin: the version that a roll-back copied, or None.
        newest: whether it is the one that serves.
    """

    version: int
    location: str
    digest: str | None
    metrics: dict[str, Any]
    digests: dict[str, Any]
    origin: int | None
    newest: bool


def store_at(place: str) -> Store:
    """The store behind a directory or a URI."""
    if place.startswith("file://"):
        return LocalStore(Path(place.removeprefix("file://")))
    if "://" in place:
        from components.io.remote_store import RemoteStore

        return RemoteStore(place)
    return LocalStore(Path(place))


def newest_version(place: str) -> int | None:
    """Number of the version that serves, or None when nothing was pushed.

    Raises:
        EnvironmentRefused: the serving directory cannot be read.
    """
    versions = store_at(place).versions()
    return versions[-1] if versions else None


def newest_statistics(place: str) -> Any | None:
    """The newest push's training statistics as a TFMD DatasetFeatureStatisticsList, or None when there are none.

    Raises:
        EnvironmentRefused: the serving directory cannot be read.
    """
    store = store_at(place)
    versions = store.versions()
    content = store.read(versions[-1], f"{SIDECAR_DIR}/{STATISTICS}") if versions else None
    if content is None:
        return None
    from tensorflow_metadata.proto.v0 import statistics_pb2

    return statistics_pb2.DatasetFeatureStatisticsList.FromString(content)


def read_sidecar(store: Store, version: int, name: str) -> dict[str, Any]:
    """A JSON sidecar of a version; empty when it has none."""
    content = store.read(version, f"{SIDECAR_DIR}/{name}")
    return json.loads(content) if content is not None else {}


def _described(store: Store, version: int, newest: int) -> PushedVersion:
    digests = read_sidecar(store, version, DIGESTS)
    return PushedVersion(
        version=version,
        location=store.location(version),
        digest=digests.get("model"),
        metrics=read_sidecar(store, version, METRICS),
        digests=digests,
        origin=read_sidecar(store, version, ORIGIN).get("version"),
        newest=version == newest,
    )


def list_versions(place: str) -> list[PushedVersion]:
    """Every complete version, ascending, with what its sidecars say.

    Raises:
        EnvironmentRefused: the serving directory cannot be read.
    """
    store = store_at(place)
    versions = store.versions()
    return [_described(store, version, versions[-1]) for version in versions]


def _known(store: Store, place: str, version: int) -> list[int]:
    versions = store.versions()
    if version not in versions:
        known = f"It has {', '.join(map(str, versions))}." if versions else "Nothing was pushed there."
        raise UsageError(f"There is no version {version} in {place}. {known}")
    return versions


def show_version(place: str, version: int) -> PushedVersion:
    """One version, with what its sidecars say.

    Raises:
        UsageError: there is no such version.
        EnvironmentRefused: the serving directory cannot be read.
    """
    store = store_at(place)
    return _described(store, version, _known(store, place, version)[-1])


def digest_now(place: str, version: int) -> str:
    """The digest of a version's files as they are now, 64 hex digits.

    Raises:
        UsageError: there is no such version.
        EnvironmentRefused: the serving directory cannot be read.
    """
    store = store_at(place)
    _known(store, place, version)
    with store.opened(version) as folder:
        return model_digest(folder)


def push(place: str, source: Path, clock: Callable[[], float] = time.time) -> tuple[int, str]:
    """Push a local folder, sidecars and all, as a new version that appears complete.

    Args:
        place: the serving directory or URI.
        source: what the version is to hold.
        clock: seconds since 1970, for its number.

    Returns:
        The version and where it lies.

    Raises:
        FileNotFoundError: the folder is no SavedModel.
        EnvironmentRefused: the serving directory cannot be written.
    """
    model_digest(source)
    store = store_at(place)
    version = store.publish(source, clock())
    return version, store.location(version)


def roll_back(place: str, version: int, clock: Callable[[], float] = time.time) -> tuple[int, str]:
    """Copy a version under a new highest number, so that it serves again, and note where it came from.

    Args:
        place: the serving directory or URI.
        version: the one to copy.
        clock: seconds since 1970, for the new number.

    Returns:
        The new version and where it lies.

    Raises:
        UsageError: there is no such version, or it serves already.
        EnvironmentRefused: the serving directory cannot be read or written.
    """
    store = store_at(place)
    if _known(store, place, version)[-1] == version:
        raise UsageError(f"Version {version} in {place} is the newest: it serves already.")
    with store.opened(version) as folder, tempfile.TemporaryDirectory(prefix="heartbeat-rollback-") as scratch:
        copy = Path(scratch) / "version"
        shutil.copytree(folder, copy)
        noted = {"version": version, "copied": datetime.fromtimestamp(clock(), timezone.utc).isoformat("T", "seconds")}
        (copy / SIDECAR_DIR).mkdir(parents=True, exist_ok=True)
        (copy / SIDECAR_DIR / ORIGIN).write_text(json.dumps(noted) + "\n", encoding="utf-8")
        return push(place, copy, clock)
