"""A bucket in memory, for tests that write hundreds of objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

from components.io.buckets import Versioned
from components.io.storage import InputFile


class MemoryBucket:
    """Remembers the order in which objects were written; `after_write` is called after each."""

    def __init__(self) -> None:
        self.objects: dict[str, Versioned] = {}
        self.written: list[str] = []
        self.after_write: Callable[[], object] = lambda: None

    def list(self, prefix: str) -> Iterator[InputFile]:
        return (found for key in list(self.objects) if key.startswith(prefix) and (found := self.stat(key)))

    def stat(self, key: str) -> InputFile | None:
        held = self.objects.get(key)
        return held and InputFile(f"s3://bucket/{key}", len(held.content), f"version {held.version}")

    def get(self, key: str) -> Versioned | None:
        return self.objects.get(key)

    def get_range(self, key: str, start: int, end: int) -> bytes:
        return self.objects[key].content[start:end]

    def put(self, key: str, file: BinaryIO) -> None:
        self.written.append(key)
        self.objects[key] = Versioned(file.read(), str(len(self.written)))
        self.after_write()

    def put_if(self, key: str, content: bytes, version: str | None) -> str | None:
        held = self.objects.get(key)
        if (held and held.version) != version:
            return None
        self.written.append(key)
        self.objects[key] = Versioned(content, str(len(self.written)))
        self.after_write()
        return self.objects[key].version

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)
