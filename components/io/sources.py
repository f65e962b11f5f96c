"""What a file of beats is: its format, by its content, the provenance beside it, and whether it has labels."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Literal

from components.beat import COLUMNS, SAMPLES, ContextForm
from components.errors import DataRefused, refused_together
from components.io.csv import csv_has_labels
from components.io.csv_form import fault_of_csv
from components.io.examples import fault_of_tfrecord, tfrecord_features
from components.io.parquet import fault_of_parquet, parquet_table
from components.io.parquet_layout import CONTEXT, LABEL, LABEL_NAMES, RECORD, SAMPLE, SIGNAL
from components.io.provenance import count_records, find_provenance, provenance_paths
from components.io.rejects import FORMAT
from components.io.signatures import GZIP, PARQUET, signature_of
from components.io.storage import InputFile, check_name, each_once, list_files, local_path, read_range
from components.io.text import is_compressed, open_text
from components.io.tfrecord import is_record_header

Kind = Literal["csv", "parquet", "tfrecord"]

LOOK_BYTES: Final = 64 << 10
"""First and last bytes by which a file is recognised: some 14 beats each, and the longest line there may be."""

PROVENANCE: Final = re.compile(r"_provenance\.csv(\.gz)?$")

BESIDE: Final = re.compile(
    r"(^|/)(\.[^/]*|_(SUCCESS|metadata|common_metadata|committed_\d+|started_\d+)|[^/]*\.crc|prepare\.json)$"
)
"""Files that Spark, Hadoop, file systems and `heartbeat prepare` put beside files of beats."""

PARTITION: Final = re.compile(r"((?:.*?/)?)([^/=]+)=[^/]*/.*")
"""A file in a folder named for its rows' value of a column, as Hive, Spark and pandas make them: `label=0/0.csv`."""

NAMES: Final[Mapping[Kind, str]] = {"csv": "CSV", "parquet": "Parquet", "tfrecord": "TFRecord"}

HAVE_LABELS: Final[Mapping[Kind, Callable[[InputFile], bool | None]]] = {
    "csv": csv_has_labels,
    "parquet": lambda file: parquet_table(file).layout.label is not None,
    "tfrecord": lambda file: None if (names := tfrecord_features(file)) is None else LABEL in names,
}


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


def find_sources(patterns: Sequence[str]) -> list[Source]:
    """List the files that paths, globs or URIs match, in the order given, each once, with their formats.

    A provenance file is not an input if its CSV is one.

    Raises:
        DataRefused: a pattern matches nothing, or a file cannot be read or is of no known format.
    """

    def matches(pattern: str) -> list[InputFile]:
        if not (found := input_files(pattern)):
            raise DataRefused(f"{pattern} matches no file: name files, or a glob such as 'beats/*.csv' in quotes.")
        return found

    files = each_once(chain.from_iterable(refused_together(matches, patterns)), lambda file: file.path)
    owned = {beside for path in files for beside in provenance_paths(path)}
    inputs = [file for path, file in files.items() if not (PROVENANCE.search(path) and path in owned)]
    return refused_together(lambda file: _source(file, recognise(file)), inputs)


def _source(file: InputFile, kind: Kind) -> Source:
    return Source(file, kind, find_provenance(file.path) if kind == "csv" else None)


def input_files(pattern: str) -> list[InputFile]:
    """List the files of beats that a path, a glob, a folder or a URI matches, sorted by path.

    In folders and globs, the files that Spark and others put beside their parts are left out.

    Raises:
        DataRefused: a folder's files are in subfolders.
    """
    folder = f"{pattern.rstrip('/')}/"
    files = list_files(pattern) or list_files(folder) or list_files(f"{folder}*")
    if not files and (inside := list_files(f"{folder}*/*") or list_files(f"{folder}*/*/*")):
        raise DataRefused(_about_folders(folder, inside[0].path))
    return [file for file in files if file.path == local_path(pattern) or not BESIDE.search(file.path)]


def training_source(file: InputFile, kind: Kind) -> Source:
    """Return a file of beats with labels, and the provenance file beside it if it is a CSV with one.

    Raises:
        DataRefused: the file cannot be read, is of another format or without labels, or is no file of beats throughout;
            it is a CSV without rows.
    """
    path, actual = file.path, recognise(file, (COLUMNS,), may_be_empty=False)
    if actual != kind:
        form = f": {FORMAT}" if kind == "csv" else ""
        raise DataRefused(f"{path} is {NAMES[actual]}, expected {NAMES[kind]}{form}.")
    if kind == "parquet" and parquet_table(file).layout.label is None:
        raise DataRefused(f"{path} has no column of labels, `label`: what a model learns from needs them.")
    return _source(file, kind)


def recognise(file: InputFile, widths: Sequence[int] = (SAMPLES, COLUMNS), *, may_be_empty: bool = True) -> Kind:
    """Identify the format of a file by its first bytes; if neither Parquet nor TFRecord, it is CSV.

    Args:
        file: to look at.
        widths: numbers of columns that the rows of a CSV may have: with a label, or without.
        may_be_empty: whether a CSV may be without rows.

    Raises:
        DataRefused: the file cannot be read, is of no format that is read, or is no file of beats throughout; its name
            is not UTF-8.
    """
    path = file.path
    check_name(path)
    head = read_range(path, 0, min(file.size, LOOK_BYTES))
    signature = None if is_record_header(head) else signature_of(head)
    if signature is PARQUET:
        _refuse(fault_of_parquet(file))
        return "parquet"
    if is_compressed(path):
        if head and signature is not GZIP:
            about = signature and signature.about(path, as_stored=True)
            raise DataRefused(about or f"{path} is not gzip: take .gz off its name.")
        with open_text(path, 0, file.size) as text:
            head = text.read(LOOK_BYTES)
        signature = None if is_record_header(head) else signature_of(head)
        if signature in (PARQUET, GZIP):
            raise DataRefused(f"{path} is {signature.name} within gzip: unpack it once.")
    if signature is not None:
        raise DataRefused(signature.about(path))
    name = path.rpartition("/")[2].lower()
    if is_record_header(head) or ("tfrecord" in name and not name.endswith((".csv", ".csv.gz")) and head):
        _refuse(fault_of_tfrecord(file))
        return "tfrecord"
    if head == codecs.BOM_UTF8:
        raise DataRefused(f"{path} has no rows, only a byte order mark.")
    if not (head or may_be_empty):
        raise DataRefused(f"There are no rows in {path}.")
    _refuse(fault_of_csv(path, *_first_and_last_lines(file, head), widths))
    return "csv"


def _refuse(fault: str | None) -> None:
    if fault is not None:
        raise DataRefused(fault)


def _first_and_last_lines(file: InputFile, head: bytes) -> tuple[bytes, bytes]:
    """Return whole lines from the beginning of a CSV and, unless it is gzip or short, from its end."""
    tail = b""
    if len(head) == LOOK_BYTES:
        head = head[: head.rfind(b"\n") + 1] or head
        if not is_compressed(file.path):
            tail = read_range(file.path, max(LOOK_BYTES, file.size - LOOK_BYTES), file.size)
            tail = tail.partition(b"\n")[2]
    return head.removeprefix(codecs.BOM_UTF8), tail


def context_of(source: Source) -> ContextForm | None:
    """Return the form of context in a file; None if it has none.

    Raises:
        DataRefused: the file cannot be read.
    """
    return parquet_table(source.file).layout.context if source.kind == "parquet" else None


def check_provenance(sources: Sequence[Source], rows: Mapping[str, int]) -> None:
    """Refuse provenance that does not belong to its CSV.

    Args:
        sources: the inputs.
        rows: path -> rows counted.

    Raises:
        DataRefused: a provenance file cannot be read, or has another number of rows.
    """
    known = [(source.provenance.path, source.file.path) for source in sources if source.provenance is not None]
    refused_together(lambda paths: count_records(*paths, rows[paths[1]]), known)


def check_labels(sources: Sequence[Source], labelled: bool) -> None:
    """Refuse inputs whose first well-formed row has a label where none is expected, or the other way round.

    A labelled file that lost a column looks like an unlabelled one, so the user must say which it is.

    Raises:
        DataRefused: such inputs, or one that cannot be read.
    """
    wrong = [source for source in sources if HAVE_LABELS[source.kind](source.file) not in (None, labelled)]
    if wrong:
        raise DataRefused([_without(source) if labelled else _with(source) for source in wrong])


def _about_folders(folder: str, path: str) -> str:
    partition = PARTITION.fullmatch(path)
    if partition is not None:
        return _about_partition(partition)
    below = len(local_path(folder))
    return f"{folder} has files in folders only: name them, for instance as '{folder}{'*/' * path.count('/', below)}*'."


def _about_partition(partition: re.Match[str]) -> str:
    top, column = partition[1].rstrip("/") or ".", partition[2]
    if column.lower() in LABEL_NAMES:
        how = f"`pandas.read_parquet({top!r}).astype({{{column!r}: int}}).to_parquet('beats.parquet')`"
        remedy = f"write it into the files, for instance with {how}."
    else:
        levels = partition[0].count("/", len(partition[1])) + 1
        remedy = f"name the files, for instance as '{top}{'/*' * levels}', or write it into them."
    return f"{top} has folders named for values of the column {column}, which is not read from there: {remedy}"


def _without(source: Source) -> str:
    partition = PARTITION.fullmatch(source.file.path)
    if partition is not None and partition[2].lower() in LABEL_NAMES:
        return _about_partition(partition)
    if source.kind == "csv":
        return (
            f"{source.file.path} has {SAMPLES} columns in its first well-formed row, so no label; {COLUMNS} were "
            "expected. Is a column lost? If it never had labels, say so with --no-label."
        )
    names = (tfrecord_features(source.file) or []) if source.kind == "tfrecord" else []
    if others := [repr(name) for name in names if name not in (SIGNAL, RECORD, SAMPLE, CONTEXT)]:
        return (
            f"{source.file.path} has no feature `{LABEL}`, but {', '.join(others)}: rename the one that holds the "
            "label. If none does, say so with --no-label."
        )
    return f"{source.file.path} has no label. If that is as it should be, say so with --no-label."


def _with(source: Source) -> str:
    return f"{source.file.path} has labels, but --no-label says that there are none. Leave --no-label out."
