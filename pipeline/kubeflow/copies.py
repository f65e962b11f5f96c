"""Copies between the object store and a folder of this machine, where each object keeps its name."""

from __future__ import annotations

import mimetypes
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from components.io.files import list_files, read_range
from components.io.objects import store_told
from components.io.remote import BYTES, create_remote
from pipeline.kubeflow.places import store_uri


@dataclass(frozen=True)
class Copies:
    """A folder in which `<scheme>/<bucket>/<path>` is the copy of `<scheme>://<bucket>/<path>`."""

    top: Path

    def path_of(self, uri: str) -> Path:
        """Where the copy of an object, or of all objects below a prefix, is."""
        return self.top / store_uri(uri).replace("://", "/", 1)

    def named(self, text: str) -> str:
        """A text with the names of copies put as those of the objects."""
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
        place = store_uri(uri)
        for file in list_files(f"{place}/**") or list_files(place):
            copy = self.path_of(file.path)
            copy.parent.mkdir(parents=True, exist_ok=True)
            with copy.open("wb") as target:
                target.writelines(read_range(file.path, 0, file.size))
        copy = self.path_of(uri)
        return copy if copy.exists() else None

    def publish(self, uri: str) -> None:
        """Copy all files of a copied prefix, and what was put beside them, to the store.

        Raises:
            EnvironmentRefused: the store is not reached, or does not let us write.
        """
        folder = self.path_of(uri)
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            upload(file, f"{store_uri(uri)}/{file.relative_to(folder).as_posix()}")


def upload(file: Path, uri: str) -> None:
    """Copy a file to the store, with the type that its name tells, so that a browser shows a page.

    Raises:
        EnvironmentRefused: the store is not reached, or does not let us write.
    """
    kind = mimetypes.guess_type(file.name)[0] or BYTES
    with store_told(f"write {uri}"), closing(create_remote(uri, kind)) as output:
        output.write(file.read_bytes())
