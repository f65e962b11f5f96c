"""Beats as the text of Kaggle's files: `%.18e`, comma-separated, the label last as a float, LF line ends.

Every value in 0..1 takes 24 characters in that format, so rows are a matrix of fixed cells; each distinct value of a
block is formatted once and its cell copied wherever the value stands.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from components.beats.kaggle import PROVENANCE_COLUMNS

CELL = 25
"""Bytes of one value with the comma or line end after it."""

BLOCK_ROWS = 1024
"""Rows formatted at once: about 5 MB of text."""


def rows_text(signal: npt.NDArray[np.float32], label: npt.NDArray[np.int64] | None) -> npt.NDArray[np.uint8]:
    """The text of rows, one line each.

    Args:
        signal: float32[n, 187], values in 0..1.
        label: int64[n], 0 to 9; None leaves the column out.

    Returns:
        uint8[n, 25 * columns], the bytes of the lines, line ends included.

    Raises:
        ValueError: a value outside 0..1, or NaN.
    """
    values = signal if label is None else np.concatenate([signal, label[:, None].astype(np.float32)], axis=1)
    if not ((signal >= 0) & (signal <= 1)).all():
        raise ValueError("A beat has a value outside 0..1; rows hold min-max scaled samples only.")
    text = np.empty((len(values), values.shape[1], CELL), np.uint8)
    for start in range(0, len(values), BLOCK_ROWS):
        block = values[start : start + BLOCK_ROWS]
        distinct, where = np.unique(block.reshape(-1), return_inverse=True)
        text[start : start + BLOCK_ROWS] = _cells(distinct).take(where, axis=0).reshape(*block.shape, CELL)
    text[:, -1, -1] = ord("\n")
    return text.reshape(len(values), values.shape[1] * CELL)


def provenance_text(
    records: Iterable[str], samples: Iterable[int], symbols: Iterable[str], labels: Iterable[int | str]
) -> bytes:
    """Lines of a provenance file, without its header; `labels` are empty strings where beats have none."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(zip(records, samples, symbols, labels, strict=True))
    return text.getvalue().encode()


def provenance_header() -> bytes:
    """The first line of a provenance file."""
    return (",".join(PROVENANCE_COLUMNS) + "\n").encode()


def _cells(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """uint8[n, 25]: each value in `%.18e` and a comma."""
    text = "".join([f"{value:.18e}," for value in (values + 0.0).tolist()])  # + 0.0: no minus before a zero
    return np.frombuffer(text.encode(), np.uint8).reshape(-1, CELL)
