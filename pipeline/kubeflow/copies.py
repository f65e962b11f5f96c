"""Copies between the object store and a folder of this machine, where each object keeps its name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from components.io.object_stores import ObjectStore
from pipeline.kubeflow.places import store_uri


@dataclass(frozen=True)
class Copies:
    """A folder in which `<scheme>/<bucket>/<path>` is the copy of `<scheme>://<bucket>/<path>`."""

    top: Path

    def path_of(self, uri: str) -> Path:
        """Return where the copy of an object, or of all objects below a prefix, is."""
        return self.top / store_uri(uri).replace("://", "/", 1)

    def named(self, text: str) -> str:
        """Put the names of copies in a text as those of the objects."""
        for scheme in ("s3", "gs"):
            text = text.replace(f"{self.top}/{scheme}/", f"{scheme}://")
        return text

    def fetch(self, uri: str) -> Path | None:
        """Copy an object, or all objects below a prefix, here.

        Returns:
            The copy, or None where there is no such object.

        Raises:
            EnvironmentRefused: the store is not reached, or does not let us read.
        """
        source, copy = ObjectStore(store_uri(uri)), self.path_of(uri)
        names = list(source.sizes())
        for name in names:
            source.fetch(name, copy / name)
        if not names and source.match():
            source.fetch("", copy)
        return copy if copy.exists() else None

    def publish(self, uri: str) -> None:
        """Copy all files of a copied prefix, and what was put beside them, to the store.

        Raises:
            EnvironmentRefused: the store is not reached, or does not let us write.
        """
        folder, target = self.path_of(uri), ObjectStore(store_uri(uri))
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            target.upload(file.relative_to(folder).as_posix(), file)
