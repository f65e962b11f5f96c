"""Which columns of a Parquet file are what: a list column of samples, or one column for each sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from components.beat import COLUMNS, SAMPLES
from components.errors import DataRefused
from components.io.files import is_remote, local_path, open_input

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

SIGNAL, LABEL, RECORD, SAMPLE = "signal", "label", "record", "sample"

BUFFER_BYTES: Final = 64 << 10
"""Bytes of a column read at a time: a row group may be larger than memory, and there may be 187 columns."""


@dataclass(frozen=True)
class ParquetLayout:
    """The columns that matter.

    Attributes:
        signal: one list column, or one column for each of the 187 samples, in order.
        label: of this name, or the 188th column of numbers; None without labels.
        record: name of the column of record names, or None.
        sample: name of the column of places in the record, or None.
    """

    signal: tuple[str, ...]
    label: str | None
    record: str | None
    sample: str | None

    @property
    def columns(self) -> list[str]:
        """Every column to read."""
        return [*self.signal, *(name for name in (self.label, self.record, self.sample) if name is not None)]


def open_parquet(path: str) -> pq.ParquetFile:
    """Opens a Parquet file, local or remote.

    Raises:
        DataRefused: it cannot be read or is not whole.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    source: Any = pa.PythonFile(open_input(path), "r") if is_remote(path) else local_path(path)
    try:
        return pq.ParquetFile(source, buffer_size=BUFFER_BYTES)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # damaged: sizes, types, columns' names
        raise DataRefused(f"{path} is not a whole Parquet file ({error}): copy or make it again.") from error


def layout_of(path: str, schema: pa.Schema) -> ParquetLayout:
    """Finds the columns.

    Raises:
        DataRefused: it holds neither a list column of samples nor 187 columns of numbers, or labels that are none.
    """
    named = {name: name if name in schema.names else None for name in (LABEL, RECORD, SAMPLE)}
    if named[LABEL] and not _is_number(schema.field(LABEL).type):
        raise DataRefused(f"{path} has labels of type {schema.field(LABEL).type}, expected numbers, 0 to 4.")
    lists = [field.name for field in schema if _is_list(field.type)]
    numbers = [
        field.name
        for field in schema
        if _is_number(field.type) and field.name not in named and not field.name.startswith("__index_level_")
    ]
    if SIGNAL in lists or len(lists) == 1:
        signal = (SIGNAL if SIGNAL in lists else lists[0],)
        return ParquetLayout(signal, named[LABEL], named[RECORD], named[SAMPLE])
    if len(numbers) == COLUMNS and named[LABEL] is None:
        return ParquetLayout(tuple(numbers[:SAMPLES]), numbers[SAMPLES], named[RECORD], named[SAMPLE])
    if len(numbers) == SAMPLES:
        return ParquetLayout(tuple(numbers), named[LABEL], named[RECORD], named[SAMPLE])
    raise DataRefused(
        f"{path} has {len(lists)} list columns and {len(numbers)} columns of numbers besides {LABEL}, {RECORD} and "
        f"{SAMPLE}: expected one list column, {SIGNAL}, of {SAMPLES} samples, or {SAMPLES} columns of them."
    )


def _is_list(kind: pa.DataType) -> bool:
    import pyarrow.types as kinds

    return bool(kinds.is_list(kind) or kinds.is_large_list(kind) or kinds.is_fixed_size_list(kind))


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow.types as kinds

    return bool(kinds.is_integer(kind) or kinds.is_floating(kind))
