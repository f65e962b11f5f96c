"""TFRecord files written without TensorFlow, which a Beam worker would spend seconds importing."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import cache
from typing import BinaryIO

import google_crc32c


def write_records(output: BinaryIO, records: Iterable[bytes]) -> None:
    """Appends records as uncompressed TFRecord frames: length, its checksum, the bytes, their checksum."""
    output.write(b"".join(part for record in records for part in (_header(len(record)), record, _checksum(record))))


@cache
def _header(length: int) -> bytes:
    packed = struct.pack("<Q", length)
    return packed + _checksum(packed)


def _checksum(content: bytes) -> bytes:
    """CRC-32C, rotated and offset as the format asks for, so that a checksum of checksums is not trivial."""
    crc = google_crc32c.value(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
