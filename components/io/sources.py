"""What a file of beats is: its format, told by its content, the provenance beside it, and whether it has labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal

from components.beat import COLUMNS, SAMPLES
from components.errors import DataRefused
from components.io.csv_blocks import csv_has_labels
from components.io.files import InputFile, list_files, read_range
from components.io.parquet import parquet_has_labels
from components.io.provenance import count_records, find_provenance, provenance_path
from components.io.text import is_compressed, read_text_range
from components.io.tfrecord import is_record_header
from components.io.tfrecord_blocks import tfrecord_has_labels

Kind = Literal["csv", "parquet", "tfrecord"]


@dataclass(frozen=True)
class Source:
    """An input file.

    Attributes:
        file: its path as matched, size and version.
        kind: its format.
        provenance: of a CSV, the file beside it that says where its beats come from, or None.
    """

    file: InputFile
    kind: Kind
    provenance: InputFile | None = None


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


_HAVE_LABELS: Final[dict[Kind, Callable[[InputFile], bool | None]]] = {
    "csv": csv_has_labels,
    "parquet": parquet_has_labels,
    "tfrecord": tfrecord_has_labels,
}


def has_labels(source: Source) -> bool | None:
    """Whether the first well-formed row of an input has a label; None if no row is well-formed.

    Raises:
        DataRefused: the input cannot be read.
    """
    return _HAVE_LABELS[source.kind](source.file)


def check_labels(sources: Sequence[Source], labelled: bool) -> None:
    """Refuses inputs whose first well-formed row has a label where none is expected, or the other way round.

    A labelled file that lost a column looks like an unlabelled one, so which it is has to be said.

    Raises:
        DataRefused: such inputs, or one that cannot be read.
    """
    wrong = [source for source in sources if has_labels(source) not in (None, labelled)]
    if wrong:
        raise DataRefused([_without(source) if labelled else _with(source) for source in wrong])


def _without(source: Source) -> str:
    if source.kind == "csv":
        return (
            f"{source.file.path} has {SAMPLES} columns in its first well-formed row, so no label; {COLUMNS} were "
            "expected. Is a column lost? If it never had labels, say so with --no-label."
        )
    return f"{source.file.path} has no label. If that is as it should be, say so with --no-label."


def _with(source: Source) -> str:
    return f"{source.file.path} has labels, but --no-label says that there are none. Leave --no-label out."
