"""Parquet as blocks of beats: a list column of samples, or one column for each sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from components.beat import SAMPLES
from components.errors import DataRefused
from components.io.beat_block import NO_SAMPLE, BeatBlock, fault_of_sample, faulty_values
from components.io.parquet_layout import CONTEXT, ParquetLayout, fault_of_length, layout_of
from components.io.rejects import CONTEXT_WRONG, WRONG_LENGTH, Reject
from components.io.storage import InputFile, is_remote, local_path, storage_at

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

LOOK_ROWS: Final = 64
"""Rows of a group examined before the file is read."""

KEPT_TABLES: Final = 1024
"""Files whose columns and row groups are remembered, each a few KiB."""

RECORD_ROWS: Final = 1 << 16
"""Number of record names counted at a time."""

BUFFER_BYTES: Final = 64 << 10
"""Bytes of a column read at a time: a row group may be larger than memory, and there may be 187 columns."""


class ParquetTable(NamedTuple):
    """A Parquet file's footer: which columns hold beats, and the rows of every row group."""

    layout: ParquetLayout
    group_rows: tuple[int, ...]


@lru_cache(KEPT_TABLES)
def parquet_table(file: InputFile) -> ParquetTable:
    """Examine a file's columns and row groups, once as long as it is unchanged.

    Raises:
        DataRefused: it cannot be read, or has no columns of samples.
    """
    with open_parquet(file.path) as parquet:
        groups = (parquet.metadata.row_group(index) for index in range(parquet.num_row_groups))
        return ParquetTable(layout_of(file.path, parquet.schema_arrow), tuple(group.num_rows for group in groups))


def count_parquet_records(file: InputFile) -> dict[str, int] | None:
    """Count the rows of every record; None if a row, or the whole file, does not name its record.

    Raises:
        DataRefused: the file cannot be read, or has no columns of samples.
    """
    counts: Counter[str | None] = Counter()
    record = parquet_table(file).layout.record
    if record is None:
        return None
    with open_parquet(file.path) as parquet:
        for batch in parquet.iter_batches(RECORD_ROWS, columns=[record], use_threads=False):
            counts.update(_names(batch, record))
    return None if None in counts else {name: rows for name, rows in counts.items() if name is not None}


def fault_of_parquet(file: InputFile) -> str | None:
    """Return a sentence about a file whose first rows, or those of its last group, are mostly not beats; else None.

    Raises:
        DataRefused: the file cannot be read, or has no columns of samples.
    """
    layout, group_rows = parquet_table(file)
    layout = replace(layout, record=None, sample=None)
    groups = sorted({0, len(group_rows) - 1}) if group_rows else []
    with open_parquet(file.path) as parquet:
        batches = [next(_batches(parquet, [group], layout.columns, LOOK_ROWS), None) for group in groups]
    tables: list[npt.NDArray[np.float32]] = []
    rejects: list[Reject] = []
    for batch in batches:
        if batch is not None:
            signal, lengths = _signal(batch, layout.signal)
            if len(set(lengths)) == 1 < len(lengths) and lengths[0] not in (SAMPLES, -1):
                return fault_of_length(file.path, layout.signal[0], lengths[0])
            label = None if layout.label is None else _numbers(batch, layout.label)
            rejects += _block(0, signal, lengths, label, None, None).rejects
            tables.append(signal if label is None else np.column_stack([signal, label.astype(np.float32)]))
    values = np.concatenate(tables) if tables else np.empty((0, SAMPLES), np.float32)
    return fault_of_sample(file.path, values, rejects)


def read_parquet(
    path: str, first_group: int, end_group: int, first_row: int, block_rows: int, *, with_context: bool = False
) -> Iterator[BeatBlock]:
    """Yield the rows of row groups, `block_rows` at a time, however large the groups are.

    Args:
        path: local path or URI.
        first_group: first row group.
        end_group: row group after the last one.
        first_row: number of the first group's first row in the file.
        block_rows: rows read at a time.
        with_context: whether the blocks get the beats' context, which the file must have.

    Raises:
        DataRefused: the file cannot be read.
    """
    row, groups = first_row, list(range(first_group, end_group))
    with open_parquet(path) as parquet:
        layout = layout_of(path, parquet.schema_arrow)
        form = layout.context if with_context else None
        columns = [*layout.columns, *([CONTEXT] if form else [])]
        try:
            for batch in _batches(parquet, groups, columns, block_rows) if groups else ():
                signal, has_samples = _signal(batch, layout.signal)
                label = None if layout.label is None else _numbers(batch, layout.label)
                record = None if layout.record is None else _names(batch, layout.record)
                sample = None if layout.sample is None else _samples(batch, layout.sample)
                block = _block(row, signal, has_samples, label, record, sample)
                yield block if form is None else _with_context(block, batch, row, len(form.names))
                row += batch.num_rows
        except _faults() as error:
            raise DataRefused(f"{path} cannot be read on from row {row} ({error}): make it again.") from error


def _batches(parquet: pq.ParquetFile, groups: list[int], columns: list[str], most: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of row groups, `most` at a time.

    Raises:
        pa.ArrowInvalid: a column ends before the others; reading on would make Arrow abort the process.
    """
    import pyarrow as pa

    rest = sum(parquet.metadata.row_group(group).num_rows for group in groups)
    types = [parquet.schema_arrow.field(name).type for name in columns]
    split_anywhere = any(pa.types.is_dictionary(kind) for kind in types)  # such batches end where a dictionary does
    for batch in parquet.iter_batches(most, groups, columns=columns, use_threads=False):
        expected = min(most, rest)
        if batch.num_rows != expected and not split_anywhere:
            raise pa.ArrowInvalid(f"a column ends after {batch.num_rows} of {expected} rows")
        rest -= batch.num_rows
        yield batch


def _block(
    first_row: int,
    signal: npt.NDArray[np.float32],
    lengths: npt.NDArray[np.int64],
    label: npt.NDArray[np.float64] | None,
    record: npt.NDArray[np.object_] | None,
    sample: npt.NDArray[np.int64] | None,
) -> BeatBlock:
    faults = {reject.row: reject for reject in faulty_values(signal, label, first_row)}
    for index in np.flatnonzero(lengths != SAMPLES).tolist():
        samples = "no samples" if lengths[index] < 0 else f"{lengths[index]} samples"
        row = first_row + index
        faults[row] = Reject(row, WRONG_LENGTH, f"it has {samples}, expected {SAMPLES}", None)
    rows = first_row + np.arange(len(signal))
    usable = ~np.isin(rows, list(faults))
    labels = None if label is None else np.where(usable, label, 0).astype(np.int64)
    block = BeatBlock(signal, labels, rows, rejects=(), record=record, sample=sample)
    return block.keep(usable, faults.values())


def _with_context(block: BeatBlock, batch: pa.RecordBatch, first_row: int, numbers: int) -> BeatBlock:
    """Give beats the context that stands in their rows of the batch; wrong lengths, NaN and infinity are faults."""
    rows = block.rows - first_row
    context, lengths = _lists(batch.column(CONTEXT), numbers)
    context, lengths = context[rows], lengths[rows]
    usable, faults = np.ones(len(rows), bool), []
    for index in np.flatnonzero(~np.isfinite(context).all(axis=1)).tolist():
        usable[index] = False
        count = max(int(lengths[index]), 0)
        reason = f"{count} numbers, expected {numbers}" if count != numbers else "a number that is not finite"
        faults.append(Reject(int(block.rows[index]), CONTEXT_WRONG, f"its context has {reason}", None))
    return replace(block, context=context).keep(usable, faults)


def _signal(batch: pa.RecordBatch, columns: tuple[str, ...]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Return samples float32[n, 187], nan if missing, and the number in each row int64[n], -1 for null."""
    if len(columns) == 1:
        return _lists(batch.column(columns[0]), SAMPLES)
    signal = np.empty((batch.num_rows, len(columns)), np.float32)
    with np.errstate(over="ignore"):
        for index, name in enumerate(columns):
            signal[:, index] = _numbers(batch, name)
    return signal, np.full(batch.num_rows, SAMPLES, np.int64)


def _lists(lists: pa.Array, numbers: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Return float32[n, numbers], nan if a list has another length, and the lengths int64[n], -1 for null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = pc.fill_null(pc.list_value_length(lists), -1).to_numpy(zero_copy_only=False).astype(np.int64)
    if pa.types.is_fixed_size_list(lists.type):  # which has values for null too
        size = lists.type.list_size
        flat, stored = lists.values.slice(lists.offset * size, len(lists) * size), np.full(len(lists), size)
    else:
        flat, stored = lists.flatten(), np.maximum(lengths, 0)
    with np.errstate(over="ignore"):
        values = flat.to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
    fits = lengths == numbers
    if fits.all():
        return values.reshape(len(lists), numbers), lengths
    signal = np.full((len(lists), numbers), np.nan, np.float32)
    signal[fits] = values[np.repeat(fits, stored)].reshape(-1, numbers)
    return signal, lengths


def _numbers(batch: pa.RecordBatch, name: str) -> npt.NDArray[np.float64]:
    """Return a column of numbers as float64[n], nan for null."""
    return batch.column(name).to_numpy(zero_copy_only=False).astype(np.float64)


def _names(batch: pa.RecordBatch, name: str) -> npt.NDArray[np.object_]:
    import pyarrow as pa

    return batch.column(name).cast(pa.string()).to_numpy(zero_copy_only=False)


def _samples(batch: pa.RecordBatch, name: str) -> npt.NDArray[np.int64]:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.fill_null(batch.column(name).cast(pa.int64()), NO_SAMPLE).to_numpy(zero_copy_only=False)


@contextmanager
def open_parquet(path: str) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file, local or remote.

    Raises:
        DataRefused: it is incomplete, or cannot be read within the block.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    source: Any = pa.PythonFile(storage_at(path).open(), "r") if is_remote(path) else local_path(path)
    try:
        # reading ahead, Arrow's threads would hold memory of Python's at the end of the process: see `arrow_buffer`
        parquet = pq.ParquetFile(source, buffer_size=BUFFER_BYTES, pre_buffer=False)
    except _faults() as error:
        raise DataRefused(f"{path} is not a whole Parquet file ({error}): copy or make it again.") from error
    with parquet:
        try:
            yield parquet
        except _faults() as error:
            raise DataRefused(f"{path} cannot be read ({error}): make it again.") from error


def _faults() -> tuple[type[Exception], ...]:
    """Return the errors that Arrow raises for a damaged file, the last for bad names of columns and records."""
    import pyarrow as pa

    return pa.ArrowException, OSError, UnicodeDecodeError
