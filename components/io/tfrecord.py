"""TFRecord files: frames of a length, its checksum, the record and its checksum, read and written without TensorFlow.

A Beam worker would spend seconds importing it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from functools import cache
from typing import BinaryIO, Final

import google_crc32c

from components.errors import DataRefused
from components.io.files import CHUNK_BYTES, InputFile
from components.io.text import is_compressed, read_text_range

HEADER_BYTES: Final = 12
"""Length (8) and its checksum (4) before a record; its own checksum (4) comes after."""

FOOTER_BYTES: Final = 4

RECORD_BYTES: Final = 1 << 20
"""Longest record that is read; a beat takes about 800 bytes."""


def write_records(output: BinaryIO, records: Iterable[bytes]) -> None:
    """Appends records as uncompressed TFRecord frames: length, its checksum, the bytes, their checksum."""
    output.write(b"".join(part for record in records for part in (_header(len(record)), record, _checksum(record))))


@cache
def _header(length: int) -> bytes:
    packed = struct.pack("<Q", length)
    return packed + _checksum(packed)


def _checksum(content: bytes) -> bytes:
    return struct.pack("<I", masked_crc(content))


def masked_crc(content: bytes) -> int:
    """CRC-32C, rotated and offset as the format asks for, so that a checksum of checksums is not trivial."""
    crc = google_crc32c.value(content)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def is_record_header(head: bytes) -> bool:
    """Whether bytes begin with the header of a TFRecord frame: a length, and the checksum of that length."""
    if len(head) < 12:
        return False
    [told] = struct.unpack_from("<I", head, 8)
    return masked_crc(head[:8]) == told


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
