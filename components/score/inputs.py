"""The files of a job: listed, told apart by their content, each CSV with its provenance."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from itertools import islice
from typing import Final

import google_crc32c

from components.errors import DataRefused
from components.io.files import InputFile, is_compressed, list_files, read_range, read_text_range
from components.io.provenance import count_records, find_provenance, provenance_path
from components.score.source import Kind, Source

HEAD_BYTES: Final = 64
"""First bytes that a format is told by."""

PARQUET_MAGIC: Final = b"PAR1"
GZIP_MAGIC: Final = b"\x1f\x8b"
PROVENANCE: Final = re.compile(r"_provenance\.csv(\.gz)?$")


def find_sources(patterns: Sequence[str]) -> list[Source]:
    """Lists the files that paths, globs or URIs stand for, in the order given, each once, with their formats.

    A provenance file is not an input of its own where the CSV that it belongs to is one.

    Raises:
        DataRefused: a pattern matches nothing, or a file cannot be read or is of no known format.
    """
    files: dict[str, InputFile] = {}
    missing = []
    for pattern in patterns:
        found = list_files(pattern)
        if not found:
            missing.append(f"{pattern} matches no file: name files, or a glob such as 'beats/*.csv' in quotes.")
        files.update({file.path: file for file in found if file.path not in files})
    if missing:
        raise DataRefused(missing)
    owned = {beside for path in files for beside in (provenance_path(path), provenance_path(path) + ".gz")}
    inputs = [file for file in files.values() if not (PROVENANCE.search(file.path) and file.path in owned)]
    sources: list[Source] = []
    faults: list[str] = []
    for file in inputs:
        try:
            kind = kind_of(file)
            sources.append(Source(file, kind, find_provenance(file.path) if kind == "csv" else None))
        except DataRefused as error:
            faults += error.sentences
    if faults:
        raise DataRefused(faults)
    return sources


def kind_of(file: InputFile) -> Kind:
    """The format of a file, told by its first bytes; what is neither Parquet nor TFRecord, by name either, is CSV.

    Raises:
        DataRefused: the file cannot be read, or is gzip without saying so in its name.
    """
    stored = b"".join(read_range(file.path, 0, min(file.size, HEAD_BYTES)))
    if stored.startswith(PARQUET_MAGIC):
        return "parquet"
    if not is_compressed(file.path):
        if stored.startswith(GZIP_MAGIC):
            raise DataRefused(f"{file.path} is gzip: give it a name ending in .gz.")
        return _text_or_records(file.path, stored)
    return _text_or_records(file.path, b"".join(islice(read_text_range(file.path, 0, file.size, HEAD_BYTES), 1)))


def _text_or_records(path: str, head: bytes) -> Kind:
    """By what a file begins with; one whose name says what it is and whose beginning is damaged is not read as text."""
    name = path.rpartition("/")[2].lower()
    named = "tfrecord" in name and not name.endswith((".csv", ".csv.gz"))
    return "tfrecord" if is_record_header(head) or (named and head) else "csv"


def is_record_header(head: bytes) -> bool:
    """Whether bytes begin with the header of a TFRecord frame: a length, and the checksum of that length."""
    if len(head) < 12:
        return False
    [told] = struct.unpack_from("<I", head, 8)
    return masked_crc(head[:8]) == told


def masked_crc(content: bytes) -> int:
    """TFRecord's checksum: CRC-32C, rotated and offset."""
    crc = google_crc32c.value(content)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def check_provenance(sources: Sequence[Source], rows: dict[str, int]) -> None:
    """Refuses provenance that does not belong to its CSV.

    Args:
        sources: the inputs.
        rows: path -> rows counted.

    Raises:
        DataRefused: a provenance file cannot be read, or has another number of rows.
    """
    faults: list[str] = []
    for source in sources:
        if source.provenance is None:
            continue
        try:
            told = count_records(source.provenance.path).total()
        except DataRefused as error:
            faults += error.sentences
            continue
        if told != rows[source.file.path]:
            faults.append(
                f"{source.provenance.path} has {told:,} rows, {source.file.path} has {rows[source.file.path]:,}: they "
                "need one line each per beat. Make both anew, or remove the provenance file."
            )
    if faults:
        raise DataRefused(faults)
