"""Scored rows: their columns, the table of a block of beats, and the file that tables are appended to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from components.beat import CLASSES
from components.io.beat_block import NO_SAMPLE, BeatBlock
from components.train.served import Answers

if TYPE_CHECKING:
    import pyarrow as pa

REPEATING: Final = ["file", "record", "label", "predicted", "symbol", "model"]
"""Columns with few distinct values, which a dictionary makes small; for others it only costs time and space."""


def prediction_schema() -> pa.Schema:
    """Return the columns and their types, which docs/scoring.md explains; those from record to label may be null."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field("file", pa.string(), nullable=False),
            pa.field("row", pa.int64(), nullable=False),
            pa.field("record", pa.string()),
            pa.field("sample", pa.int64()),
            pa.field("seconds", pa.float64()),
            pa.field("label", pa.int8()),
            pa.field("predicted", pa.int8(), nullable=False),
            pa.field("symbol", pa.string(), nullable=False),
            *(pa.field(f"p_{symbol}", pa.float32(), nullable=False) for symbol in CLASSES),
            pa.field("abstain", pa.bool_(), nullable=False),
            pa.field("model", pa.string(), nullable=False),
        ]
    )


def prediction_table(files: Sequence[tuple[str, int]], block: BeatBlock, answers: Answers, model: str) -> pa.Table:
    """Return the table of a block's n beats with the model's answers.

    Args:
        files: input files and the number of beats from each, in order.
        block: n beats.
        answers: the model's, every probability finite.
        model: 12 hex digits of its digest.
    """
    import pyarrow as pa

    count = len(block.rows)
    predicted = answers.predicted
    file = np.repeat(np.array([file for file, _ in files], object), [beats for _, beats in files])
    columns = [
        pa.array(file, pa.string()),  # by numpy: in the old lane Arrow's `take` imports pandas, which takes 0.3 s
        pa.array(block.rows, pa.int64()),
        pa.nulls(count, pa.string()) if block.record is None else pa.array(block.record, pa.string()),
        pa.nulls(count, pa.int64())
        if block.sample is None
        else pa.array(block.sample, pa.int64(), mask=block.sample == NO_SAMPLE),
        pa.nulls(count, pa.float64()) if block.seconds is None else pa.array(block.seconds, pa.float64()),
        pa.nulls(count, pa.int8()) if block.label is None else pa.array(block.label.astype(np.int8)),
        pa.array(predicted.astype(np.int8)),
        pa.array(np.array(CLASSES, object)[predicted], pa.string()),
        *(pa.array(np.ascontiguousarray(answers.probabilities[:, index])) for index in range(len(CLASSES))),
        pa.array(answers.abstain),
        pa.repeat(pa.scalar(model, pa.string()), count),
    ]
    return pa.Table.from_arrays(columns, schema=prediction_schema())


class Writer(Protocol):
    """A file that tables are appended to, so that none is kept in memory."""

    def write_table(self, table: pa.Table) -> None:
        """Append rows."""


@contextmanager
def open_writer(path: Path, format: str) -> Iterator[Writer]:
    """Open a file of scored rows: Parquet, one row group for each table, or CSV with a header.

    Raises:
        OSError: the file cannot be written.
    """
    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    if format == "parquet":
        with pq.ParquetWriter(path, prediction_schema(), compression="snappy", use_dictionary=REPEATING) as parquet:
            yield parquet
        return
    with csv.CSVWriter(str(path), prediction_schema()) as text:
        yield text
