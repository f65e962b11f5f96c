"""Storage on object stores: what S3 and Google Cloud Storage share. `buckets.py` has what they do not."""

from __future__ import annotations

import glob
import io
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from components.errors import DataRefused, EnvironmentRefused, HeartbeatError, UsageError
from components.io.buckets import Bucket, Versioned, bucket_of, words_of
from components.io.storage import InputFile, Storage, split_glob, unwritten

ACCESS: Final = {
    "gs": "Credentials of gs:// come from the environment: GOOGLE_APPLICATION_CREDENTIALS, or the account that gcloud "
    "or the machine is set up with.",
    "s3": "Credentials and region of s3:// come from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and "
    "AWS_DEFAULT_REGION.",
}
"""Scheme -> where its store's client looks for credentials."""

FOLDER_MARK: Final = re.compile(r"(/|_\$folder\$)$")
"""Suffixes of the empty objects with which consoles and Hadoop imitate folders."""

BUFFER_BYTES: Final = 8 << 20
"""Bytes per request for an object, unless a reader wants more."""


class ObjectStore(Storage):
    """A prefix or an object of a bucket; an object appears by one upload.

    Args:
        root: URI, `scheme://bucket/key`; for `match` perhaps a glob, or a folder with a slash at the end.

    Raises:
        UsageError: no store has its scheme, or it names no bucket.
    """

    poll_seconds = 10.0

    def __init__(self, root: str) -> None:
        super().__init__(root.rstrip("/"))
        self._scheme, _, rest = root.partition("://")
        self._bucket_name, _, pattern = rest.partition("/")
        self._pattern = pattern
        self._root_key = pattern.rstrip("/")
        if self._scheme not in ACCESS:
            raise UsageError(f"{root} cannot be opened: use a local path, or a URI of {', '.join(ACCESS)}.")
        if not self._bucket_name:
            raise UsageError(f"{root} names no bucket: write {self._scheme}://BUCKET/PATH.")

    @property
    def _bucket(self) -> Bucket:
        return bucket_of(self._scheme, self._bucket_name)

    def _key(self, name: str) -> str:
        return "/".join(part for part in (self._root_key, name) if part)

    def stat(self) -> InputFile | None:
        """Describe the object; None if there is none."""
        with self._words("list", self.root):
            return self._bucket.stat(self._root_key) if self._root_key else None

    def match(self) -> list[InputFile]:
        """List the objects of a URI, a glob or a folder; in globs `*` does not cross a slash and `**` does."""
        if self._pattern.endswith("/") or not self._pattern:
            if inside := self._matching(self._pattern, f"{glob.escape(self._pattern)}*"):
                return inside
            return self._matching(*split_glob(f"{self._pattern}*", self._is_folder))
        if (found := self.stat()) is not None:
            return [found]
        literal, pattern = split_glob(self._pattern, self._is_folder)
        return [] if literal == self._pattern else self._matching(literal, pattern)

    def _is_folder(self, key: str) -> bool:
        with self._words("list", self.root):
            return next(iter(self._bucket.list(f"{key}/")), None) is not None

    def _matching(self, prefix: str, pattern: str) -> list[InputFile]:
        """List the objects below a prefix whose keys match a glob, without markers of empty folders."""
        regex = regex_of_glob(pattern)
        begin = len(f"{self._scheme}://{self._bucket_name}/")
        with self._words("list", self.root):
            objects = [each for each in self._bucket.list(prefix) if regex.fullmatch(each.path[begin:])]
        return sorted((each for each in objects if not FOLDER_MARK.search(each.path)), key=lambda file: file.path)

    def sizes(self, below: str = "") -> dict[str, int]:
        """Map the names of all objects below a prefix to their sizes in bytes."""
        prefix, above = self._key(below), len(self.root) + 1
        with self._words("list", self.path(below)):
            return {each.path[above:]: each.size for each in self._bucket.list(f"{prefix}/" if prefix else "")}

    def open(self, name: str = "") -> io.BufferedReader:
        """Open an object, which is read by ranges."""
        with self._words("open", self.path(name)):
            found = self._bucket.stat(self._key(name))
        if found is None:
            raise DataRefused(f"Cannot open {self.path(name)}: there is no such object. Check its name.")
        return io.BufferedReader(_Ranges(self, name, found.size), BUFFER_BYTES)

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Read the bytes of an object from start up to end."""
        with self._words("read", self.path(name)):
            return self._bucket.get_range(self._key(name), start, end)

    def read(self, name: str = "") -> bytes | None:
        """Read a whole object, or return None if there is none."""
        held = self.read_versioned(name)
        return None if held is None else held.content

    def read_versioned(self, name: str) -> Versioned | None:
        """Read a whole object with its version, or return None if there is none."""
        with self._words("read", self.path(name)):
            return self._bucket.get(self._key(name))

    @contextmanager
    def drafted(self, name: str = "") -> Iterator[tuple[Path, Callable[[], None]]]:
        """Yield a local temporary path and the upload; an interrupted upload leaves no object."""
        try:
            scratch = tempfile.TemporaryDirectory(prefix="heartbeat-upload-")
        except OSError as error:
            raise unwritten(self.path(name), error) from error
        with scratch as folder:
            draft = Path(folder) / "draft"
            yield draft, lambda: self.upload(name, draft)

    def upload(self, name: str, file: Path) -> None:
        """Copy a local file to an object."""
        with self._words("write", self.path(name)), file.open("rb") as content:
            self._bucket.put(self._key(name), content)

    def write(self, name: str, content: bytes) -> None:
        """Write a whole object, replacing any old one."""
        with self._words("write", self.path(name)):
            self._bucket.put(self._key(name), io.BytesIO(content))

    def write_if(self, name: str, content: bytes, version: str | None) -> str | None:
        """Write an object only if it still has a version, or for None only if it does not exist.

        Args:
            name: of the object.
            content: unique to this writer: it identifies a write of ours whose response was lost.
            version: as `read_versioned` and this method return it.

        Returns:
            The new version, or None if the condition did not hold.
        """
        with self._words("write", self.path(name)):
            written = self._bucket.put_if(self._key(name), content, version)
        if written is None and (held := self.read_versioned(name)) is not None and held.content == content:
            return held.version
        return written

    def remove(self, name: str = "") -> None:
        """Remove an object; a missing one is no error."""
        with self._words("remove", self.path(name)):
            self._bucket.delete(self._key(name))

    def remove_drafts(self) -> None:
        """Do nothing: drafts of objects are in the temporary folders of their processes."""

    @contextmanager
    def _words(self, act: str, path: str) -> Iterator[None]:
        try:
            yield
        except HeartbeatError:
            raise
        except Exception as error:  # any error of the store's client
            advice = f"Check the address, the network and the access rights. {ACCESS[self._scheme]}"
            raise EnvironmentRefused(f"Cannot {act} {path}: {words_of(error)}. {advice}") from error


class _Ranges(io.RawIOBase):
    """An object as a raw file; each read is one request."""

    def __init__(self, store: ObjectStore, name: str, size: int) -> None:
        super().__init__()
        self._store, self._name, self._size, self._offset = store, name, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._offset = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._offset, os.SEEK_END: self._size}[whence]
        return self._offset

    def readinto(self, buffer: Any) -> int:
        end = min(self._offset + len(buffer), self._size)
        if end <= self._offset:
            return 0
        content = self._store.read_range(self._name, self._offset, end)
        buffer[: len(content)] = content
        self._offset += len(content)
        return len(content)


def regex_of_glob(pattern: str) -> re.Pattern[str]:
    """Translate a glob: `*` and `?` stay within a folder, `**` does not, `**/` may be none, `[...]` is one of these."""

    def regex(part: str) -> str:
        if len(part) > 2 and part.startswith("[") and part.endswith("]"):
            characters = re.sub(r"[\\^\[]", r"\\\g<0>", part[1:-1])
            return f"[^{characters[1:]}]" if characters.startswith("!") else f"[{characters}]"
        return {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part) or re.escape(part)

    return re.compile("".join(map(regex, re.split(r"((?<![^/])\*\*/|\*\*|\*|\?|\[[^]]+\])", pattern))), re.DOTALL)
