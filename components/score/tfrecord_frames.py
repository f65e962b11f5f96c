"""TFRecord frames one after another, without TensorFlow, in bounded memory, from wherever the file lies."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from components.errors import DataRefused
from components.io.files import CHUNK_BYTES, InputFile, is_compressed, read_text_range
from components.score.inputs import is_record_header, masked_crc

HEADER_BYTES: Final = 12
"""Length (8) and its checksum (4) before a record; its own checksum (4) comes after."""

FOOTER_BYTES: Final = 4

RECORD_BYTES: Final = 1 << 20
"""Longest record that is read; a beat takes about 800 bytes."""


def read_frames(file: InputFile) -> Iterator[bytes | None]:
    """Yields every record; None for one that is over-long or not what its checksum says.

    Raises:
        DataRefused: the file cannot be read, or the length of a record is damaged, so that what follows is lost.
    """
    chunks = read_text_range(file.path, 0, file.size, CHUNK_BYTES)
    text, at, row = b"", 0, 0
    while True:
        text, at = _filled(chunks, text, at, HEADER_BYTES)
        if at == len(text):
            return
        header = text[at : at + HEADER_BYTES]
        if not is_record_header(header):
            raise _damaged(file, row)
        [length] = struct.unpack_from("<Q", header)
        at += HEADER_BYTES
        text, at, record = _take(chunks, text, at, length)
        text, at = _filled(chunks, text, at, FOOTER_BYTES)
        if len(text) - at < FOOTER_BYTES:
            raise _damaged(file, row)
        [told] = struct.unpack_from("<I", text, at)
        at += FOOTER_BYTES
        yield record if record is not None and masked_crc(record) == told else None
        row += 1


def _filled(chunks: Iterator[bytes], text: bytes, at: int, wanted: int) -> tuple[bytes, int]:
    """The text with at least `wanted` bytes from `at` on, if the file has as many, and the new `at`."""
    while len(text) - at < wanted and (chunk := next(chunks, b"")):
        text, at = text[at:] + chunk, 0
    return text, at


def _take(chunks: Iterator[bytes], text: bytes, at: int, length: int) -> tuple[bytes, int, bytes | None]:
    """Passes over `length` bytes; they come back unless there are too many of them."""
    if length <= RECORD_BYTES:
        text, at = _filled(chunks, text, at, length)
        return text, at + length, text[at : at + length]
    left = length
    while left > len(text) - at and (chunk := next(chunks, b"")):
        left -= len(text) - at
        text, at = chunk, 0
    return text, at + left, None


def _damaged(file: InputFile, row: int) -> DataRefused:
    how = "copy or make it again" if not is_compressed(file.path) else "unpack and look, or make it again"
    return DataRefused(f"{file.path} is damaged or cut off at record {row}, so where the next begins is lost: {how}.")
