"""Beats to Parquet: the file that `heartbeat prepare` writes, and that everything which takes beats reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from components.beat import SAMPLES
from components.io.parquet_layout import LABEL, RECORD, SAMPLE, SIGNAL

if TYPE_CHECKING:
    import pyarrow as pa

SYMBOL, LEAD, ARCHIVE = "symbol", "lead", "archive"

GROUP_ROWS: Final = 16_384
"""Rows of a row group, however the beats arrive: 12 MB of samples are held, and a usual shard is four groups."""

COMPRESSION: Final = "zstd"
"""4 % smaller than snappy on MIT-BIH's beats, at the same speed of reading; the default level."""


def beat_schema(*, labelled: bool) -> pa.Schema:
    """Return the columns and their types; only beats that were never annotated have no symbol."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field(SIGNAL, pa.list_(pa.float32())),
            *([pa.field(LABEL, pa.int8())] if labelled else []),
            pa.field(RECORD, pa.string()),
            pa.field(SAMPLE, pa.int64()),
            pa.field(SYMBOL, pa.string()),
            pa.field(LEAD, pa.string()),
            pa.field(ARCHIVE, pa.string()),
        ]
    )


def beat_table(
    signal: npt.NDArray[np.float32],
    label: npt.NDArray[np.int64] | None,
    sample: npt.NDArray[np.int64],
    symbol: npt.NDArray[np.str_],
    record: str,
    lead: str,
    archive: str,
) -> pa.Table:
    """Return the table of n beats of one record.

    Args:
        signal: float32[n, 187].
        label: int64[n], 0..4; None for a table without labels.
        sample: int64[n], position of each beat in its record.
        symbol: str[n], annotation symbols; an empty one becomes null.
        record: name of the record.
        lead: name of the lead.
        archive: name of the folder that holds the record.
    """
    import pyarrow as pa

    ends = np.arange(0, signal.size + 1, SAMPLES, dtype=np.int32)
    columns = [
        pa.ListArray.from_arrays(pa.array(ends), pa.array(np.ascontiguousarray(signal).reshape(-1))),
        *([] if label is None else [pa.array(label.astype(np.int8))]),
        pa.array([record] * len(sample), pa.string()),
        pa.array(sample, pa.int64()),
        pa.array([each or None for each in symbol.tolist()], pa.string()),
        *(pa.array([name] * len(sample), pa.string()) for name in (lead, archive)),
    ]
    return pa.Table.from_arrays(columns, schema=beat_schema(labelled=label is not None))


@contextmanager
def parquet_beats(path: Path, *, labelled: bool) -> Iterator[Callable[[pa.Table], None]]:
    """Write a file of beats, table after table; the file does not depend on how the beats are divided into tables.

    Raises:
        OSError: it cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    waiting: list[pa.Table] = []
    with pq.ParquetWriter(path, beat_schema(labelled=labelled), compression=COMPRESSION) as writer:

        def write(table: pa.Table) -> None:
            waiting.append(table)
            if sum(each.num_rows for each in waiting) < GROUP_ROWS:
                return
            rows = pa.concat_tables(waiting)
            whole = rows.num_rows // GROUP_ROWS * GROUP_ROWS
            for start in range(0, whole, GROUP_ROWS):
                writer.write_table(rows.slice(start, GROUP_ROWS).combine_chunks(), GROUP_ROWS)
            waiting[:] = [rows.slice(whole).combine_chunks()]

        yield write
        if rest := [table for table in waiting if table.num_rows]:
            writer.write_table(pa.concat_tables(rest).combine_chunks(), GROUP_ROWS)
