"""Where beats come from: `<stem>_provenance.csv` beside a CSV, `record,sample,symbol,label` and a line per row."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt

from components.errors import DataRefused, counted
from components.io.storage import InputFile, find_file
from components.io.text import LINE_BYTES, Block, arrow_buffer, read_blocks

HEADER: Final = ("record", "sample", "symbol", "label")

NO_LABEL: Final = -1
"""The label of a beat that was never annotated."""


@dataclass(frozen=True)
class Origin:
    """The origin of n rows.

    Attributes:
        record: str[n], record names.
        sample: int64[n], position of the beat's annotation in its record, samples at the record's rate.
        label: int64[n], 0..4, or NO_LABEL if the file leaves it empty.
    """

    record: npt.NDArray[np.object_]
    sample: npt.NDArray[np.int64]
    label: npt.NDArray[np.int64]


def provenance_header() -> bytes:
    """Return the first line of a provenance file."""
    return (",".join(HEADER) + "\n").encode()


def provenance_text(
    records: Iterable[str], samples: Iterable[int], symbols: Iterable[str], labels: Iterable[int | str]
) -> bytes:
    """Return lines of a provenance file, without its header; `labels` are empty strings for beats without one."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(zip(records, samples, symbols, labels, strict=True))
    return text.getvalue().encode()


def provenance_paths(csv_path: str) -> tuple[str, str]:
    """Return where the provenance of a CSV may be, plain or .gz: `x.csv` and `x.csv.gz` have `x_provenance.csv`."""
    path = re.sub(r"(?i)(\.csv)?(\.gz)?\Z", "", csv_path, count=1) + "_provenance.csv"
    return path, path + ".gz"


def find_provenance(csv_path: str) -> InputFile | None:
    """Return the provenance file beside a CSV; None if there is none."""
    return next((file for path in provenance_paths(csv_path) if (file := find_file(path)) is not None), None)


def count_records(path: str, csv_path: str, rows: int) -> dict[str, int]:
    """Count the rows of every record in the provenance file of a CSV.

    Args:
        path: the provenance file.
        csv_path: the CSV that it belongs to.
        rows: lines of the CSV.

    Raises:
        DataRefused: the file cannot be read, is not a provenance file, or has another number of rows than the CSV.
    """
    counts: Counter[str] = Counter()
    for part in origin_parts(path):
        counts.update(part.record.tolist())
    if counts.total() != rows:
        raise DataRefused(
            f"{path} has {counted(counts.total(), 'row')}, {csv_path} has {rows:,}: they need one line each per beat. "
            "Make both anew, or remove the provenance file."
        )
    return dict(counts)


class OriginReader:
    """Returns the origin of rows in ascending order, holding only one part of the file at a time.

    Args:
        path: the provenance file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._parts = origin_parts(path)
        self._part = Origin(np.empty(0, object), np.empty(0, np.int64), np.empty(0, np.int64))
        self._first_row = 0  # of self._part

    def take(self, rows: npt.NDArray[np.int64]) -> Origin:
        """Return the origin of rows.

        Args:
            rows: int64[n], ascending, all after those of the previous call.

        Raises:
            DataRefused: the file ends before, or is not a provenance file.
        """
        origin = Origin(np.empty(len(rows), object), np.empty(len(rows), np.int64), np.empty(len(rows), np.int64))
        start = 0
        while start < len(rows):
            self._advance_to(int(rows[start]))
            stop = start + int(np.searchsorted(rows[start:], self._first_row + len(self._part.label)))
            index = rows[start:stop] - self._first_row
            origin.record[start:stop] = self._part.record[index]
            origin.sample[start:stop] = self._part.sample[index]
            origin.label[start:stop] = self._part.label[index]
            start = stop
        return origin

    def _advance_to(self, row: int) -> None:
        """Read on until the current part holds a row."""
        while row >= self._first_row + len(self._part.label):
            self._first_row += len(self._part.label)
            part = next(self._parts, None)
            if part is None:
                raise DataRefused(f"{self._path} has {counted(self._first_row, 'row')}, expected at least {row + 1}.")
            self._part = part


def origin_parts(path: str) -> Iterator[Origin]:
    """Yield the file's rows in order, a bounded number at a time.

    Raises:
        DataRefused: the file cannot be read or is not a provenance file.
    """
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    file = find_file(path)
    if file is None:
        raise DataRefused(f"{path} is not there.")
    types = {"record": pa.string(), "sample": pa.int64(), "symbol": pa.string(), "label": pa.int64()}
    convert = arrow_csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=False)
    read = arrow_csv.ReadOptions(use_threads=False, column_names=list(HEADER))
    blocks = read_blocks(file.path, 0, file.size)
    first = next(blocks, Block(0, 0, b""))
    header, _, rest = bytes(first.data).partition(b"\n")
    names = tuple(next(csv.reader([header.decode("utf-8", "backslashreplace").rstrip("\r")]), []))
    if names and names != HEADER:
        raise DataRefused(f"{path} begins with {','.join(names)[:200]}, expected {','.join(HEADER)}.")
    try:
        if not names:
            raise pa.ArrowInvalid("it is empty")
        for block in chain([replace(first, data=rest)] if rest else [], blocks):
            if block.over_long:
                raise pa.ArrowInvalid(f"row {block.first_row - 1} has more than {LINE_BYTES:,} bytes")
            for batch in arrow_csv.open_csv(pa.BufferReader(arrow_buffer(block.data)), read, convert_options=convert):
                record, sample, _, label = batch.columns
                if sample.null_count:
                    raise DataRefused(f"{path} has {counted(sample.null_count, 'row')} without a sample: fill it in.")
                yield Origin(
                    record.to_numpy(zero_copy_only=False), sample.to_numpy(), label.fill_null(NO_LABEL).to_numpy()
                )
    except pa.ArrowInvalid as error:
        raise DataRefused(f"{path} is not a provenance file, lines of {','.join(HEADER)}: {error}.") from error
