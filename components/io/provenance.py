"""Where beats come from: `<stem>_provenance.csv` beside a CSV, header `record,sample,symbol,label`, one line a row."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from components.errors import DataRefused
from components.io.files import InputFile, list_files
from components.io.text import read_text_range

HEADER: Final = ("record", "sample", "symbol", "label")

NO_LABEL: Final = -1
"""The label of a beat that was never annotated."""


@dataclass(frozen=True)
class Origin:
    """The origin of consecutive rows.

    Attributes:
        record: str[n], record names.
        sample: int64[n], place of the beat's annotation in its record, samples at the record's rate.
        label: int64[n], 0..4, or NO_LABEL where the file leaves it empty.
    """

    record: npt.NDArray[np.object_]
    sample: npt.NDArray[np.int64]
    label: npt.NDArray[np.int64]


def provenance_path(csv: str) -> str:
    """Where the provenance of a CSV would be, uncompressed: `x.csv` and `x.csv.gz` have `x_provenance.csv`."""
    return csv.removesuffix(".gz").removesuffix(".csv") + "_provenance.csv"


def find_provenance(csv: str) -> InputFile | None:
    """The provenance file beside a CSV, itself plain or .gz; None where there is none."""
    path = provenance_path(csv)
    for candidate in (path, path + ".gz"):
        for file in list_files(candidate):
            return file
    return None


def count_records(path: str) -> Counter[str]:
    """Rows of every record in a provenance file.

    Raises:
        DataRefused: the file cannot be read or is not a provenance file.
    """
    counts: Counter[str] = Counter()
    for part in origin_parts(path):
        names, rows = np.unique(part.record.astype(str), return_counts=True)
        counts.update(dict(zip(names.tolist(), rows.tolist(), strict=True)))
    return counts


def read_origin(path: str, first_row: int, rows: int) -> Origin:
    """Reads the origin of `rows` rows from `first_row` on.

    Raises:
        DataRefused: the file cannot be read, is not a provenance file, or ends before.
    """
    kept, at, end = [], 0, first_row + rows
    for part in origin_parts(path):
        start, stop = max(first_row - at, 0), min(end - at, len(part.label))
        if start < stop:
            kept.append(Origin(part.record[start:stop], part.sample[start:stop], part.label[start:stop]))
        at += len(part.label)
        if at >= end:
            break
    if at < end:
        raise DataRefused(f"{path} has {at} rows, expected at least {end}.")
    return Origin(
        np.concatenate([np.empty(0, object), *(part.record for part in kept)]),
        np.concatenate([np.empty(0, np.int64), *(part.sample for part in kept)]),
        np.concatenate([np.empty(0, np.int64), *(part.label for part in kept)]),
    )


def origin_parts(path: str) -> Iterator[Origin]:
    """Yields the file's rows in order, a bounded number at a time.

    Raises:
        DataRefused: the file cannot be read or is not a provenance file.
    """
    import pyarrow as pa
    import pyarrow.csv as csv

    files = list_files(path)
    if not files:
        raise DataRefused(f"{path} is not there.")
    types = {"record": pa.string(), "sample": pa.int64(), "symbol": pa.string(), "label": pa.int64()}
    convert = csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=False)
    text: Any = io.BufferedReader(_Text(read_text_range(path, 0, files[0].size)))
    try:
        reader = csv.open_csv(pa.PythonFile(text, "r"), csv.ReadOptions(use_threads=False), convert_options=convert)
        if tuple(reader.schema.names) != HEADER:
            raise DataRefused(f"{path} begins with {','.join(reader.schema.names)[:200]}, expected {','.join(HEADER)}.")
        for batch in reader:
            record, sample, _, label = batch.columns
            if sample.null_count:
                raise DataRefused(f"{path} has {sample.null_count:,} rows without sample: it needs all of {HEADER}.")
            yield Origin(record.to_numpy(zero_copy_only=False), sample.to_numpy(), label.fill_null(NO_LABEL).to_numpy())
    except pa.ArrowInvalid as error:
        raise DataRefused(f"{path} is not a provenance file, lines of {','.join(HEADER)}: {error}.") from error


class OriginReader:
    """Hands out the origin of ever later rows, holding no more of the file than one part of it.

    Args:
        path: the provenance file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._parts = origin_parts(path)
        self._part: Origin | None = None
        self._first = 0  # row number of the first row of self._part

    def take(self, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.int64]]:
        """Record names str[n] and samples int64[n] of rows.

        Args:
            rows: int64[n], ascending, all after those of the call before.

        Raises:
            DataRefused: the file ends before, or is not a provenance file.
        """
        record, sample = np.empty(len(rows), object), np.empty(len(rows), np.int64)
        at = 0
        while at < len(rows):
            part = self._reach(int(rows[at]))
            stop = at + int(np.searchsorted(rows[at:], self._first + len(part.label)))
            here = rows[at:stop] - self._first
            record[at:stop], sample[at:stop] = part.record[here], part.sample[here]
            at = stop
        return record, sample

    def _reach(self, row: int) -> Origin:
        """The part that holds a row."""
        while self._part is None or row >= self._first + len(self._part.label):
            if self._part is not None:
                self._first += len(self._part.label)
            self._part = next(self._parts, None)
            if self._part is None:
                raise DataRefused(f"{self._path} has {self._first} rows, expected at least {row + 1}.")
        return self._part


class _Text(io.RawIOBase):
    """Chunks of bytes as a file to read from."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """True. Source: io.RawIOBase."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fills the buffer from the next chunk. Source: io.RawIOBase."""
        if not self._rest:
            self._rest = memoryview(next(self._chunks, b""))
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
