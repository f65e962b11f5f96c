"""Parquet: runs of row groups as shards, a shard as blocks of beats."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from components.beat import SAMPLES
from components.errors import DataRefused
from components.io.files import InputFile
from components.io.plan import Shard
from components.io.rejects import Reject
from components.score.beat_block import NO_SAMPLE, WRONG_LENGTH, BeatBlock, check_values, no_text
from components.score.parquet_layout import layout_of, open_parquet
from components.score.settings import ScoreSettings
from components.score.source import SourceShard

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

CSV_ROW_BYTES: Final = 4700
"""Bytes of a beat in Kaggle's CSV: a shard holds as many beats whatever the format."""


def parquet_shards(file: InputFile, shard_bytes: int) -> list[Shard]:
    """Cuts a file into runs of whole row groups, after a look at its columns.

    Raises:
        DataRefused: it cannot be read, or has no columns of samples.
    """
    with closing(open_parquet(file.path)) as parquet:
        layout_of(file.path, parquet.schema_arrow)
        groups = [parquet.metadata.row_group(at).num_rows for at in range(parquet.num_row_groups)]
    wanted = max(shard_bytes // CSV_ROW_BYTES, 1)
    shards: list[Shard] = []
    start = first = rows = 0
    for end, count in enumerate(groups, 1):
        rows += count
        if rows >= wanted or end == len(groups):
            shards.append(Shard(file.path, len(shards), start, end, first, rows))
            start, first, rows = end, first + rows, 0
    return shards or [Shard(file.path, 0, 0, 0, 0, 0)]


def parquet_has_labels(file: InputFile) -> bool:
    """Whether there is a column of labels.

    Raises:
        DataRefused: the file cannot be read, or has no columns of samples.
    """
    with closing(open_parquet(file.path)) as parquet:
        return layout_of(file.path, parquet.schema_arrow).label is not None


def read_parquet(piece: SourceShard, settings: ScoreSettings) -> Iterator[BeatBlock]:
    """Yields the shard's rows, so many at a time, however large its row groups are.

    Raises:
        DataRefused: the file cannot be read.
    """
    import pyarrow as pa

    shard, row = piece.shard, piece.shard.first_row
    groups = list(range(shard.start, shard.end))
    with closing(open_parquet(shard.file)) as parquet:
        layout = layout_of(shard.file, parquet.schema_arrow)
        try:
            for batch in _batches(parquet, groups, layout.columns, settings.block_rows) if groups else ():
                signal, has_samples = _signal(batch, layout.signal)
                label = None if layout.label is None else _numbers(batch, layout.label)
                record = None if layout.record is None else _names(batch, layout.record)
                sample = None if layout.sample is None else _samples(batch, layout.sample)
                yield _block(row, signal, has_samples, label, record, sample)
                row += batch.num_rows
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # the last: of records' names
            raise DataRefused(f"{shard.file} cannot be read on from row {row} ({error}): make it again.") from error


def _batches(parquet: pq.ParquetFile, groups: list[int], columns: list[str], most: int) -> Iterator[pa.RecordBatch]:
    """Yields the rows of row groups, `most` at a time.

    Raises:
        pa.ArrowInvalid: a column ends before the others; Arrow would end the process when asked for more.
    """
    import pyarrow as pa

    left = sum(parquet.metadata.row_group(group).num_rows for group in groups)
    types = [parquet.schema_arrow.field(name).type for name in columns]
    split_anywhere = any(pa.types.is_dictionary(kind) for kind in types)  # such batches end where a dictionary does
    for batch in parquet.iter_batches(most, groups, columns=columns, use_threads=False):
        expected = min(most, left)
        if batch.num_rows != expected and not split_anywhere:
            raise pa.ArrowInvalid(f"a column ends after {batch.num_rows} of {expected} rows")
        left -= batch.num_rows
        yield batch


def _block(
    first_row: int,
    signal: npt.NDArray[np.float32],
    lengths: npt.NDArray[np.int64],
    label: npt.NDArray[np.float64] | None,
    record: npt.NDArray[np.object_] | None,
    sample: npt.NDArray[np.int64] | None,
) -> BeatBlock:
    whole = lengths == SAMPLES
    valid, rejects = check_values(signal, label, first_row)
    rejects = [each for each in rejects if whole[each.row - first_row]]
    for at in np.flatnonzero(~whole).tolist():
        told = "no samples" if lengths[at] < 0 else f"{lengths[at]} samples"
        rejects.append(Reject(first_row + at, WRONG_LENGTH, f"it has {told}, expected {SAMPLES}", None))
    kept = valid & whole
    return BeatBlock(
        signal=np.ascontiguousarray(signal[kept]),
        label=None if label is None else label[kept].astype(np.int64),
        record=None if record is None else record[kept],
        sample=None if sample is None else sample[kept],
        rows=first_row + np.flatnonzero(kept),
        rejects=tuple(sorted(rejects, key=lambda reject: reject.row)),
        text=no_text,
    )


def _signal(batch: pa.RecordBatch, columns: tuple[str, ...]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Samples float32[n, 187], nan where there are none, and how many each row has int64[n], -1 for null."""
    if len(columns) == 1:
        return _list_signal(batch.column(batch.schema.get_field_index(columns[0])))
    signal = np.empty((batch.num_rows, len(columns)), np.float32)
    with np.errstate(over="ignore"):
        for at, name in enumerate(columns):
            signal[:, at] = _numbers(batch, name)
    return signal, np.full(batch.num_rows, SAMPLES, np.int64)


def _list_signal(lists: pa.Array) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_fixed_size_list(lists.type):
        size = lists.type.list_size
        present = lists.is_valid().to_numpy(zero_copy_only=False)
        lengths = np.where(present, size, -1).astype(np.int64)
        values = lists.values.slice(lists.offset * size, len(lists) * size)
        parts = _as_float32(values).reshape(len(lists), size)[present]
    else:
        lengths = pc.fill_null(pc.list_value_length(lists), -1).to_numpy(zero_copy_only=False).astype(np.int64)
        values = _as_float32(lists.flatten())
        if (lengths == SAMPLES).all():
            return values.reshape(len(lists), SAMPLES), lengths
        ends = np.cumsum(np.maximum(lengths, 0))
        parts = np.array([values[end - SAMPLES : end] for end in ends[lengths == SAMPLES]], np.float32).reshape(
            -1, SAMPLES
        )
    signal = np.full((len(lists), SAMPLES), np.nan, np.float32)
    if parts.shape[1] == SAMPLES:
        signal[lengths == SAMPLES] = parts
    return signal, lengths


def _as_float32(values: pa.Array) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):
        return values.to_numpy(zero_copy_only=False).astype(np.float32, copy=False)


def _numbers(batch: pa.RecordBatch, name: str) -> npt.NDArray[np.float64]:
    """A column of numbers as float64[n], nan for null."""
    column = batch.column(batch.schema.get_field_index(name))
    return column.to_numpy(zero_copy_only=False).astype(np.float64)


def _names(batch: pa.RecordBatch, name: str) -> npt.NDArray[np.object_]:
    import pyarrow as pa

    column = batch.column(batch.schema.get_field_index(name))
    return column.cast(pa.string()).to_numpy(zero_copy_only=False)


def _samples(batch: pa.RecordBatch, name: str) -> npt.NDArray[np.int64]:
    import pyarrow as pa
    import pyarrow.compute as pc

    column = batch.column(batch.schema.get_field_index(name)).cast(pa.int64())
    return pc.fill_null(column, NO_SAMPLE).to_numpy(zero_copy_only=False)
