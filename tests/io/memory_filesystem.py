"""An object store in memory, behind Beam's file system interface, at `memory://`: flat names, no rename, no folders."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import ClassVar

from apache_beam.io.filesystem import BeamIOError, FileMetadata, FileSystem


class _Upload(io.BytesIO):
    """Bytes that become an object when they are closed, as a PUT does."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def close(self) -> None:
        if not self.closed:
            MemoryFileSystem.objects[self.path] = self.getvalue()
            MemoryFileSystem.written.append(self.path)
            MemoryFileSystem.after_write(self.path)
        super().close()


class MemoryFileSystem(FileSystem):
    """Beam finds it by its scheme, as it finds every subclass of FileSystem."""

    objects: ClassVar[dict[str, bytes]] = {}
    written: ClassVar[list[str]] = []
    after_write: ClassVar[Callable[[str], None]] = staticmethod(lambda path: None)

    @classmethod
    def scheme(cls):
        return "memory"

    def create(self, path, mime_type="application/octet-stream", compression_type="auto"):
        return _Upload(path)

    def open(self, path, mime_type="application/octet-stream", compression_type="auto"):
        if path not in self.objects:
            raise BeamIOError(f"no object {path}")
        return io.BytesIO(self.objects[path])

    def delete(self, paths):
        for path in paths:
            del self.objects[path]

    def join(self, basepath, *paths):
        return "/".join([basepath.rstrip("/"), *paths])

    def split(self, path):
        return path.rsplit("/", 1)

    def has_dirs(self):
        return False

    def mkdirs(self, path):
        raise NotImplementedError

    def _list(self, dir_or_prefix):
        for name in sorted(self.objects):
            if name.startswith(dir_or_prefix):
                yield FileMetadata(name, len(self.objects[name]))

    def copy(self, source_file_names, destination_file_names):
        raise NotImplementedError

    def rename(self, source_file_names, destination_file_names):
        raise NotImplementedError

    def exists(self, path):
        return path in self.objects

    def size(self, path):
        return len(self.objects[path])

    def last_updated(self, path):
        raise NotImplementedError

    def checksum(self, path):
        raise NotImplementedError

    def metadata(self, path):
        raise NotImplementedError
