"""Objects that are written through Beam's file systems, empty ones too."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any


class Upload(io.RawIOBase):
    """An object that is begun with its first byte.

    Beam begins an upload in parts when it opens an object of S3, and such an upload cannot be ended without a part.

    Args:
        begin: opens the object for writing.
        uri: of the object, `s3://bucket/key`.
        in_words: puts what a store's client raises into words.
    """

    def __init__(self, begin: Callable[[], Any], uri: str, in_words: Callable[[Exception], Exception]) -> None:
        super().__init__()
        self._begin = begin
        self._uri = uri
        self._in_words = in_words
        self._sink: Any = None

    def writable(self) -> bool:
        """Whether it can be written.

        Source: io.IOBase.
        """
        return True

    def write(self, data: Any) -> int:
        """Write bytes and say how many.

        Source: io.RawIOBase.
        """
        count = len(data)
        try:
            if count and self._sink is None:
                self._sink = self._begin()
            if count:
                self._sink.write(data)
        except Exception as error:
            raise self._in_words(error) from error
        return count

    def close(self) -> None:
        """End the object, which then appears.

        Source: io.IOBase.
        """
        if self.closed:
            return
        super().close()
        try:
            if self._sink is None:
                self._put_empty()
            else:
                self._sink.close()
        except Exception as error:
            raise self._in_words(error) from error

    def _put_empty(self) -> None:
        import boto3

        bucket, _, key = self._uri.partition("://")[2].partition("/")
        boto3.session.Session().client("s3").put_object(Bucket=bucket, Key=key, Body=b"")
