"""Writers of scored rows: a table at a time, so that none holds more than one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from components.score.columns import prediction_schema

if TYPE_CHECKING:
    import pyarrow as pa


REPEATING: Final = ["file", "record", "label", "predicted", "symbol", "model"]
"""Columns of few values, which a dictionary makes small; of the others it only takes time and room."""


class Writer(Protocol):
    """Takes one table after another."""

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
