"""TFRecord frames: the length of a record, a checksum of that, the record, and its checksum.

They are written and read without TensorFlow, which takes a Beam worker seconds to import, in bounded memory, and
from any storage.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import BinaryIO, Final

import google_crc32c

from components.errors import DataRefused
from components.io.storage import InputFile
from components.io.text import is_compressed, open_text

LENGTH: Final = struct.Struct("<Q")
CHECKSUM: Final = struct.Struct("<I")

HEADER_BYTES: Final = 12
"""Length (8) and its checksum (4) before a record; its own checksum (4) comes after."""

FOOTER_BYTES: Final = 4

RECORD_BYTES: Final = 1 << 20
"""Longest record that is read; a beat takes about 800 bytes."""


def write_records(output: BinaryIO, records: Iterable[bytes]) -> None:
    """Append records as uncompressed frames."""
    output.write(b"".join(part for record in records for part in (_header(len(record)), record, _checksum(record))))


@lru_cache(1024)
def _header(length: int) -> bytes:
    packed = LENGTH.pack(length)
    return packed + _checksum(packed)


def _checksum(content: bytes) -> bytes:
    """Return the CRC-32C, rotated and offset as the format asks for, so that a checksum of checksums is not trivial."""
    crc = google_crc32c.value(content)
    return CHECKSUM.pack(((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def is_record_header(head: bytes) -> bool:
    """Return whether bytes begin with the header of a frame: a length, and the checksum of that length."""
    return len(head) >= HEADER_BYTES and head[:HEADER_BYTES] == _header(*LENGTH.unpack_from(head))


def read_records(file: InputFile) -> Iterator[bytes | None]:
    """Yield every record; None if it is over-long or its checksum does not match.

    Raises:
        DataRefused: the file cannot be read, or the length of a record is damaged, so that what follows is lost.
    """
    with open_text(file.path, 0, file.size) as text:
        row = 0
        while header := text.read(HEADER_BYTES):
            if not is_record_header(header):
                raise _damaged(file, row)
            [length] = LENGTH.unpack_from(header)
            record = text.read(min(length, RECORD_BYTES))
            for rest in range(length - RECORD_BYTES, 0, -RECORD_BYTES):
                if not text.read(min(rest, RECORD_BYTES)):
                    break
            footer = text.read(FOOTER_BYTES)
            if len(footer) < FOOTER_BYTES:
                raise _damaged(file, row)
            yield record if length <= RECORD_BYTES and _checksum(record) == footer else None
            row += 1


def _damaged(file: InputFile, row: int) -> DataRefused:
    how = "copy or make it again" if not is_compressed(file.path) else "unpack and look, or make it again"
    return DataRefused(f"{file.path} is damaged or cut off at record {row}, so where the next begins is lost: {how}.")
