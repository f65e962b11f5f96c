"""Comma-separated numbers to float32, by one reader for whole blocks and for single fields alike.

What is accepted line by line is what is accepted in bulk, because it is the same call on fewer lines; Kaggle's own
spelling only takes a faster way to the same numbers. Arrow's streaming reader is used, as `read_csv` walks the garbage
collector's objects on every call under Python 3.10: 5 to 20 ms.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from components.io.fixed import read_fixed

READ_BYTES: Final = 1 << 20
"""Bytes Arrow parses at a time: measured fastest from 256 KiB to 64 MiB, and sixteen times the longest line."""

BYTE_ORDER_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
"""UTF-8's and UTF-16's, with which no line may begin. Arrow skips UTF-8's at the beginning of what it reads."""

MISSING: Final = ("", "NA", "N/A", "null", "NULL", "None", "?")
"""Spellings of a missing value that turn up in many rows of a file; naming them spares reading each row alone."""

TRANSPOSED_ROWS: Final = 64
"""Rows copied at a time from columns into the matrix: 64 rows of 188 float32 fit the first-level cache."""


class UnreadableNumbersError(ValueError):
    """Some line of the text does not consist of `width` numbers."""


@cache
def _options(width: int) -> tuple[Any, Any, Any]:
    import pyarrow as pa
    import pyarrow.csv as csv

    names = [str(column) for column in range(width)]
    return (
        csv.ReadOptions(use_threads=False, column_names=names, block_size=READ_BYTES),
        csv.ParseOptions(quote_char=False, double_quote=False, escape_char=False, ignore_empty_lines=False),
        csv.ConvertOptions(column_types={name: pa.float32() for name in names}, null_values=list(MISSING)),
    )


def read_matrix(text: bytes | memoryview, rows: int, width: int) -> npt.NDArray[np.float32]:
    """Reads lines of numbers.

    Args:
        text: lines of LF or CRLF.
        rows: how many lines there are.
        width: numbers in a line.

    Returns:
        float32[rows, width]; a missing value is NaN.

    Raises:
        UnreadableNumbersError: not every line is one row of `width` numbers.
    """
    fixed = read_fixed(text, rows, width)
    return _read_any(bytes(text), rows, width) if fixed is None else fixed


def _read_any(text: bytes, rows: int, width: int) -> npt.NDArray[np.float32]:
    """Reads lines of numbers however they are spelt."""
    if text.startswith(BYTE_ORDER_MARKS):
        raise UnreadableNumbersError("byte order mark")
    if b"\r" in text and text.count(b"\r") != text.count(b"\r\n"):
        raise UnreadableNumbersError("lone carriage return, which Arrow takes for a line end")
    import pyarrow as pa
    import pyarrow.csv as csv

    matrix = np.empty((rows, width), np.float32)
    at = 0
    try:
        for batch in csv.open_csv(pa.BufferReader(text), *_options(width)):
            if at + batch.num_rows > rows:
                raise UnreadableNumbersError(f"more than {rows} rows in {rows} lines")
            columns = np.stack([column.to_numpy(zero_copy_only=False) for column in batch.columns])  # (width, batch)
            for start in range(0, batch.num_rows, TRANSPOSED_ROWS):
                part = columns[:, start : start + TRANSPOSED_ROWS]
                matrix[at : at + part.shape[1]] = part.T
                at += part.shape[1]
    except pa.ArrowInvalid as error:
        raise UnreadableNumbersError(str(error)) from error
    if at != rows:
        raise UnreadableNumbersError(f"{at} rows in {rows} lines")
    return matrix


def read_floats(lines: list[bytes], width: int) -> npt.NDArray[np.float32]:
    """Reads lines one of which may be unreadable: halves them until each is read or alone.

    Args:
        lines: without line ends; none holds a carriage return.
        width: numbers in a line.

    Returns:
        float32[len(lines), width]; an unreadable line is NaN throughout.
    """
    if not lines:
        return np.empty((0, width), np.float32)
    try:
        return read_matrix(b"\n".join([*lines, b""]), len(lines), width)
    except UnreadableNumbersError:
        if len(lines) == 1:
            return np.full((1, width), np.nan, np.float32)
        half = len(lines) // 2
        return np.concatenate([read_floats(lines[:half], width), read_floats(lines[half:], width)])
