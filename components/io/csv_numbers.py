"""Comma-separated numbers to float32 and back: Kaggle's number format by a fast path, any other by Arrow.

Kaggle spells every value in 24 characters (`%.18e`, `D.dddddddddddddddddd` and then `e-0X` or `e+00`), so rows are a
matrix of bytes. Integer arithmetic on the same digit of very many values at once is three times as fast as a parser
that reads one value at a time. The results are the same to the last bit: a value that might round the other way goes to
Arrow, as does all other text. What is accepted line by line is what is accepted in bulk, because it is the same call on
fewer lines.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from components.io.text import arrow_buffer

CELL: Final = 25
"""Bytes of one value in Kaggle's spelling, with the comma or line end after it."""

CACHED_ROWS: Final = 256
"""Rows of Kaggle's spelling read at a time: 8 bytes for each of their values take 385 KB, which a second-level cache
holds."""

POWERS: Final = np.array([float(f"1e-{10 + exponent}") for exponent in range(10)])
"""Factors of 11 digits and a fraction for `e-00` to `e-09`."""

EXACT_BITS: Final = 29
"""Bits of a float64's fraction that a float32 lacks; they decide the rounding."""

DOUBT: Final = 8
"""Units of a float64's last place: one that is off by fewer rounds to the same float32 as the exact value does, unless
it is as near as that to the middle between two of them. Five roundings, as there are here, are off by at most 5."""

READ_BYTES: Final = 1 << 20
"""Bytes Arrow parses at a time: measured fastest from 256 KiB to 64 MiB, and sixteen times the longest line."""

TRANSPOSED_ROWS: Final = 64
"""Rows copied at a time from Arrow's columns into the matrix: 64 rows of 188 float32 fit the first-level cache."""

BYTE_ORDER_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
"""UTF-8's and UTF-16's, with which no line may begin. Arrow skips UTF-8's at the beginning of what it reads."""

MISSING: Final = ("", "NA", "N/A", "null", "NULL", "None", "?")
"""Spellings of a missing value that turn up in many rows of a file; naming them spares reading each row alone."""

WRITTEN_ROWS: Final = 1024
"""Rows formatted at once: about 5 MB of text."""


class UnreadableNumbersError(ValueError):
    """A line of the text does not consist of `width` numbers."""


def read_matrix(text: bytes | memoryview, rows: int, width: int) -> npt.NDArray[np.float32]:
    """Read lines of numbers.

    Args:
        text: lines of LF or CRLF.
        rows: how many lines there are.
        width: numbers in a line.

    Returns:
        float32[rows, width]; a missing value is NaN.

    Raises:
        UnreadableNumbersError: not every line is one row of `width` numbers.
    """
    matrix = read_kaggle(text, rows, width)
    return read_any(bytes(text), rows, width) if matrix is None else matrix


def read_floats(lines: list[bytes], width: int) -> npt.NDArray[np.float32]:
    """Read lines one of which may be unreadable: halve them until each is read or alone.

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


def read_kaggle(text: bytes | memoryview, rows: int, width: int) -> npt.NDArray[np.float32] | None:
    """Read lines whose every value is in Kaggle's spelling.

    Args:
        text: LF after each line.
        rows: how many lines there are.
        width: numbers in a line.

    Returns:
        float32[rows, width], each the float32 nearest to its text; None if the text is spelt otherwise, or if that
        float32 is in doubt.
    """
    if len(text) != rows * width * CELL:
        return None
    matrix = np.empty(rows * width, np.float32)
    for start in range(0, rows * width, CACHED_ROWS * width):
        values = _kaggle_values(text, start, min(CACHED_ROWS * width, rows * width - start), width)
        if values is None:
            return None
        matrix[start : start + len(values)] = values
    return matrix.reshape(rows, width)


def _kaggle_values(text: bytes | memoryview, first: int, count: int, width: int) -> npt.NDArray[np.float64] | None:
    """Read `count` values, a whole number of lines, from number `first` on; None as for `read_kaggle`."""

    def characters(offset: int, kind: str) -> npt.NDArray[Any]:
        """Return the characters from `offset` on of every value as integers, the first of them lowest."""
        return np.ndarray((count,), kind, text, first * CELL + offset, (CELL,)).copy()

    unit = characters(0, "<u2") - np.uint16(0x2E30)  # "D." -> D
    middle = characters(10, "<u2") - np.uint16(0x3030)
    power = characters(20, "<u4")
    end = characters(24, "u1").reshape(-1, width)
    if int(unit.max()) > 9 or not _are_digits(middle, 0x7676, 0x8080):
        return None
    if (end[:, :-1] != ord(",")).any() or (end[:, -1] != ord("\n")).any():
        return None
    power -= np.uint32(0x30302B65)  # "e+00" -> 0, "e-0X" -> X << 24 | 2 << 8
    if (power & np.uint32(0x00FFFDFF)).any() or int(power.max()) > 0x09000200:
        return None
    if np.count_nonzero(power) != np.count_nonzero(power & np.uint32(0x0200)):
        return None  # "e+0X"
    power >>= np.uint32(24)
    high, low = _eight_digits(characters(2, "<u8")), _eight_digits(characters(12, "<u8"))
    if high is None or low is None:
        return None
    high += unit * 1e8
    high *= 100.0
    middle = (middle * np.uint16(10) + (middle >> np.uint16(8))) & np.uint16(0xFF)
    high += middle  # so far 11 digits, exact
    low *= 1e-8
    high += low
    high *= POWERS.take(power)
    doubtful = high.view(np.uint64) & np.uint64((1 << EXACT_BITS) - 1)
    doubtful -= np.uint64((1 << EXACT_BITS - 1) - DOUBT)
    return None if int(doubtful.min()) <= 2 * DOUBT else high


def _are_digits(codes: npt.NDArray[Any], add: int, sign: int) -> bool:
    """Tell whether every byte, less "0", is 0 to 9."""
    kind = codes.dtype.type
    return not (((codes + kind(add)) | codes) & kind(sign)).any()


def _eight_digits(codes: npt.NDArray[np.uint64]) -> npt.NDArray[np.float64] | None:
    """Return the number that the eight characters in each integer spell; None if one of them is not a digit."""
    codes -= np.uint64(0x3030303030303030)
    if not _are_digits(codes, 0x7676767676767676, 0x8080808080808080):
        return None
    codes *= np.uint64(10 * 256 + 1)  # pairs
    codes >>= np.uint64(8)
    codes &= np.uint64(0x00FF00FF00FF00FF)
    codes *= np.uint64(100 * 65536 + 1)  # fours
    codes >>= np.uint64(16)
    codes &= np.uint64(0x0000FFFF0000FFFF)
    codes *= np.uint64(10000 * 4294967296 + 1)  # all eight
    codes >>= np.uint64(32)
    return codes.astype(np.float64)


@cache
def _arrow_options(width: int) -> tuple[Any, Any, Any]:
    import pyarrow as pa
    import pyarrow.csv as csv

    names = [str(column) for column in range(width)]
    return (
        csv.ReadOptions(use_threads=False, column_names=names, block_size=READ_BYTES),
        csv.ParseOptions(quote_char=False, double_quote=False, escape_char=False, ignore_empty_lines=False),
        csv.ConvertOptions(column_types={name: pa.float32() for name in names}, null_values=list(MISSING)),
    )


def read_any(text: bytes, rows: int, width: int) -> npt.NDArray[np.float32]:
    """Read lines of numbers in any spelling; as `read_matrix`.

    Arrow's streaming reader is used, as its `read_csv` walks the garbage collector's objects on every call under
    Python 3.10, which takes 5 to 20 ms.
    """
    if text.startswith(BYTE_ORDER_MARKS):
        raise UnreadableNumbersError("byte order mark")
    if b"\r" in text and text.count(b"\r") != text.count(b"\r\n"):
        raise UnreadableNumbersError("lone carriage return, which Arrow takes for a line end")
    if text.count(b"+") != text.count(b"e+") + text.count(b"E+"):
        raise UnreadableNumbersError("plus sign before a number, which only some releases of Arrow take")
    import pyarrow as pa
    import pyarrow.csv as csv

    matrix = np.empty((rows, width), np.float32)
    row = 0
    try:
        for batch in csv.open_csv(pa.BufferReader(arrow_buffer(text)), *_arrow_options(width)):
            if row + batch.num_rows > rows:
                raise UnreadableNumbersError(f"more than {rows} rows in {rows} lines")
            columns = np.stack([_floats(column) for column in batch.columns])  # (width, batch)
            for start in range(0, batch.num_rows, TRANSPOSED_ROWS):
                part = columns[:, start : start + TRANSPOSED_ROWS]
                matrix[row : row + part.shape[1]] = part.T
                row += part.shape[1]
    except pa.ArrowInvalid as error:
        raise UnreadableNumbersError(str(error)) from error
    if row != rows:
        raise UnreadableNumbersError(f"{row} rows in {rows} lines")
    return matrix


def _floats(column: Any) -> npt.NDArray[np.float32]:
    """View Arrow's array of float32 as NumPy's, with NaN for null.

    Its own `to_numpy` costs half as much as parsing does, and the old lane's imports pandas for it.
    """
    present, content = column.buffers()
    values = np.frombuffer(content, np.float32, len(column), column.offset * 4)
    if not column.null_count:
        return values
    bits = np.unpackbits(np.frombuffer(present, np.uint8), bitorder="little")
    return np.where(bits[column.offset :][: len(column)], values, np.float32(np.nan))


def kaggle_text(signal: npt.NDArray[np.float32], label: npt.NDArray[np.int64] | None) -> npt.NDArray[np.uint8]:
    """Return rows in Kaggle's spelling, one line each; each distinct value of a block is formatted once.

    Args:
        signal: float32[n, 187], values in 0..1.
        label: int64[n], 0 to 9, written as a float after the samples; None leaves the column out.

    Returns:
        uint8[n, 25 * columns], the bytes of the lines, line ends included.

    Raises:
        ValueError: a value outside 0..1, or NaN.
    """
    values = signal if label is None else np.concatenate([signal, label[:, None].astype(np.float32)], axis=1)
    if not ((signal >= 0) & (signal <= 1)).all():
        raise ValueError("A beat has a value outside 0..1; rows hold min-max scaled samples only.")
    text = np.empty((len(values), values.shape[1], CELL), np.uint8)
    for start in range(0, len(values), WRITTEN_ROWS):
        block = values[start : start + WRITTEN_ROWS]
        distinct, index = np.unique(block.reshape(-1), return_inverse=True)
        text[start : start + WRITTEN_ROWS] = _kaggle_cells(distinct).take(index, axis=0).reshape(*block.shape, CELL)
    text[:, -1, -1] = ord("\n")
    return text.reshape(len(values), values.shape[1] * CELL)


def _kaggle_cells(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Return uint8[n, 25]: each value in `%.18e` and a comma."""
    text = "".join([f"{value:.18e}," for value in (values + 0.0).tolist()])  # + 0.0: no minus before a zero
    return np.frombuffer(text.encode(), np.uint8).reshape(-1, CELL)
