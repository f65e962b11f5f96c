"""The serving directory: numbered versions of the model, the highest of which serves, and the files beside each.

A version's number is the time of its push in seconds, above all earlier ones; it is complete with saved_model.pb.
On file systems it appears by one rename; on object stores saved_model.pb is uploaded last.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from components.errors import EnvironmentRefused, UsageError
from components.io.artifact_files import EXTRA, OPENVINO_FILES, SIDECAR_DIR
from components.io.lock import flocked
from components.io.object_stores import ObjectStore
from components.io.scratch import scratch_folder
from components.io.storage import CHUNK_BYTES, is_remote, local_path, storage_at

COMPLETE: Final = "saved_model.pb"
"""The file whose presence marks a complete version."""

METRICS: Final = "metrics.json"
"""The judgement: metrics, intervals, calibration, and what the data was."""

STATISTICS: Final = "stats.pb"
"""TFDV's statistics of the train split, which drift is measured against."""

DIGESTS: Final = "digests.json"
"""SHA-256 of the model, the data, the code and the settings."""

HISTOGRAM: Final = "histogram.json"
"""Distribution of the train split's samples over 0..1."""

PRECISIONS: Final = "precisions.json"
"""What each lower precision changes, and why it is not released, if it is not."""

MODEL_CARD: Final = "model_card.md"
"""The model card, for people."""

ORIGIN: Final = "origin.json"
"""Only in a rolled-back version: the version that it copies, and when."""

INCOMING: Final = ".incoming-"
"""Prefix of a local version that is still being copied: not a number, so readers do not take it for a version."""

CLAIMS: Final = "claims"
"""Prefix of the objects by which pushes to a store claim their numbers."""


def model_digest(model_dir: str | Path) -> str:
    """Digest the sorted relative paths and the bytes of a SavedModel, without assets.extra/: SHA-256, 64 hex digits.

    Raises:
        FileNotFoundError: the local directory holds no saved_model.pb.
    """
    top = Path(model_dir)
    if not (top / COMPLETE).is_file():
        raise FileNotFoundError(f"{top} holds no {COMPLETE}, so it is no SavedModel")
    digest = hashlib.sha256()
    files = {file.relative_to(top).as_posix(): file for file in top.rglob("*") if file.is_file()}
    for name in sorted(files):
        if name.split("/")[0] == EXTRA:
            continue
        digest.update(f"{name}\0{files[name].stat().st_size}\0".encode())
        with files[name].open("rb") as file:
            while block := file.read(CHUNK_BYTES):
                digest.update(block)
    return digest.hexdigest()


def openvino_digests(model_dir: str | Path) -> dict[str, str]:
    """Digest the files of a local model that OpenVINO reads: path in the model -> SHA-256, 64 hex digits."""
    files = {name: Path(model_dir, name) for name in OPENVINO_FILES}
    return {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items() if file.is_file()}


@dataclass(frozen=True)
class PushedVersion:
    """A version and the content of its sidecars.

    Attributes:
        version: its number, the second of its push since 1970.
        location: its directory or URI.
        digest: of the model as it was pushed, 64 hex digits; None if it was not recorded.
        metrics: content of `metrics.json`; empty if a version has none.
        digests: content of `digests.json`; empty if a version has none.
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


class ServingDirectory:
    """A folder, or a prefix of an object store, that versions are pushed to. It is made by the first push.

    Args:
        root: path or URI.

    Raises:
        UsageError: no storage has the URI's scheme. Every method raises EnvironmentRefused if the directory cannot be
            read or written.
    """

    def __init__(self, root: str) -> None:
        self._storage = storage_at(root)
        self.root = self._storage.root

    def location(self, version: int) -> str:
        """Return the path or URI of a version."""
        return f"{self.root}/{version}"

    def versions(self) -> list[int]:
        """List the numbers of the complete versions, ascending."""
        complete = (
            name.removesuffix(f"/{COMPLETE}") for name in self._storage.sizes() if name.endswith(f"/{COMPLETE}")
        )
        return sorted(_numbers(complete))

    @contextmanager
    def opened(self, version: int) -> Iterator[Path]:
        """Yield a version as a read-only local folder; one on a store is copied here temporarily."""
        if not is_remote(self.root):
            yield Path(self.location(version))
            return
        with tempfile.TemporaryDirectory(prefix="heartbeat-version-") as folder:
            source = storage_at(self.location(version))
            for name in source.sizes():
                source.fetch(name, Path(folder) / name)
            yield Path(folder)

    def sidecar(self, version: int, name: str) -> bytes | None:
        """Read a file beside a model, or return None if it has no such sidecar."""
        return self._storage.read(f"{version}/{SIDECAR_DIR}/{name}")

    def json_sidecar(self, version: int, name: str) -> dict[str, Any]:
        """Read a JSON sidecar of a version; empty if it has none."""
        return json.loads(self.sidecar(version, name) or b"{}")

    def newest_statistics(self) -> Any | None:
        """Return the newest push's training statistics, a TFMD DatasetFeatureStatisticsList, or None without any."""
        versions = self.versions()
        content = self.sidecar(versions[-1], STATISTICS) if versions else None
        if content is None:
            return None
        from tensorflow_metadata.proto.v0 import statistics_pb2

        return statistics_pb2.DatasetFeatureStatisticsList.FromString(content)

    def describe_all(self) -> list[PushedVersion]:
        """Describe every complete version, ascending."""
        versions = self.versions()
        return [self._described(version, versions[-1]) for version in versions]

    def describe(self, version: int) -> PushedVersion:
        """Describe a version by its sidecars.

        Raises:
            UsageError: there is no such version.
        """
        return self._described(version, self._newest_beside(version))

    def _described(self, version: int, newest: int) -> PushedVersion:
        digests = self.json_sidecar(version, DIGESTS)
        return PushedVersion(
            version=version,
            location=self.location(version),
            digest=digests.get("model"),
            metrics=self.json_sidecar(version, METRICS),
            digests=digests,
            origin=self.json_sidecar(version, ORIGIN).get("version"),
            newest=version == newest,
        )

    def _newest_beside(self, version: int) -> int:
        versions = self.versions()
        if version not in versions:
            known = f"It has {', '.join(map(str, versions))}." if versions else "Nothing was pushed there."
            raise UsageError(f"There is no version {version} in {self.root}. {known}")
        return versions[-1]

    def digest_now(self, version: int) -> str:
        """Digest the model of a version as its files are now, 64 hex digits.

        Raises:
            UsageError: there is no such version.
        """
        self._newest_beside(version)
        with self.opened(version) as folder:
            return model_digest(folder)

    def serving_version_of(self, digest: str) -> int | None:
        """Return the newest version if its model has this digest, both as recorded and as its files are now; else None.

        Args:
            digest: of a model, 64 hex digits.
        """
        newest = self.versions()[-1:]
        same = newest and self.json_sidecar(newest[0], DIGESTS).get("model") == digest == self.digest_now(newest[0])
        return newest[0] if same else None

    def push(self, source: Path, clock: Callable[[], float] = time.time) -> int:
        """Push a local folder, sidecars and all, as a new version that appears complete; return its number.

        Args:
            source: content of the version.
            clock: seconds since 1970, for its number.

        Raises:
            FileNotFoundError: the folder is not a SavedModel.
        """
        model_digest(source)
        return self._upload(source, clock()) if is_remote(self.root) else self._copy(source, clock())

    def roll_back(self, version: int, clock: Callable[[], float] = time.time) -> int:
        """Copy a version under a new highest number, so that it serves again, and record its origin.

        Args:
            version: the one to copy.
            clock: seconds since 1970, for the new number.

        Raises:
            UsageError: there is no such version, or it already serves.
        """
        if self._newest_beside(version) == version:
            raise UsageError(f"Version {version} in {self.root} is the newest: it serves already.")
        with self.opened(version) as folder, tempfile.TemporaryDirectory(prefix="heartbeat-rollback-") as scratch:
            copy = Path(scratch) / "version"
            shutil.copytree(folder, copy)
            copied = datetime.fromtimestamp(clock(), timezone.utc).isoformat("T", "seconds")
            (copy / SIDECAR_DIR).mkdir(parents=True, exist_ok=True)
            (copy / SIDECAR_DIR / ORIGIN).write_text(json.dumps({"version": version, "copied": copied}) + "\n")
            return self.push(copy, clock)

    def _copy(self, source: Path, now: float) -> int:
        """Copy to a name without number, then rename, under a lock that dies with its process."""
        top = Path(local_path(self.root))
        try:
            top.mkdir(parents=True, exist_ok=True)
            with flocked(top, wait=True), scratch_folder(top, INCOMING) as scratch:
                version = _next_version(_numbers(os.listdir(top)), now)
                incoming = shutil.copytree(source, scratch / str(version))
                _flush(*incoming.rglob("*"), incoming)
                incoming.rename(top / str(version))
                _flush(top)
                return version
        except OSError as error:
            raise EnvironmentRefused(
                f"The model cannot be pushed to {top}: {error.strerror or error}. Check its permissions and the free "
                "space."
            ) from error

    def _upload(self, source: Path, now: float) -> int:
        """Claim a number, upload everything else, and saved_model.pb last."""
        store = ObjectStore(self.root)
        version = _claimed(store, now)
        files = sorted(path for path in source.rglob("*") if path.is_file() and path != source / COMPLETE)
        for file in files:
            store.upload(f"{version}/{file.relative_to(source).as_posix()}", file)
        store.remove(f"{CLAIMS}/{version}")
        store.upload(f"{version}/{COMPLETE}", source / COMPLETE)
        return version


def _claimed(store: ObjectStore, now: float) -> int:
    """Claim a number above all in use; only one of two pushes can create the object of a claim."""
    mine = uuid.uuid4().hex.encode()
    version = _next_version(_numbers(name.removeprefix(f"{CLAIMS}/").split("/")[0] for name in store.sizes()), now)
    while True:
        claim = f"{CLAIMS}/{version}"
        if store.write_if(claim, mine, None) is not None:
            if not store.sizes(str(version)):
                return version
            store.remove(claim)  # a push that has ended meanwhile took the number
        version += 1


def _numbers(names: Iterable[str]) -> list[int]:
    """Return the names that are versions' numbers: digits alone, no leading zero."""
    return [int(name) for name in names if name.isascii() and name.isdigit() and not name.startswith("0")]


def _next_version(taken: list[int], now: float) -> int:
    return max([int(now), *(number + 1 for number in taken)])


def _flush(*paths: Path) -> None:
    """Flush files and folders to disk before the rename that makes them visible."""
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
