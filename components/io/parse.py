"""The pure parser: a block of lines -> columns of beats, their row numbers, and the rejects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, COLUMNS, SAMPLES
from components.io.numbers import UnreadableNumbersError, read_floats, read_matrix
from components.io.rejects import Reject, reject_line, reject_over_long
from components.io.text import Block


@dataclass(frozen=True)
class Parsed:
    """The beats of one block and what else its lines were; n + rejects = the block's rows.

    Attributes:
        signal: float32[n, 187], 0..1, 120 Hz.
        label: int64[n], 0..4; None where the lines carry none.
        rows: int64[n], each beat's row number in its file.
        rejects: the other lines, in order.
    """

    signal: npt.NDArray[np.float32]
    label: npt.NDArray[np.int64] | None
    rows: npt.NDArray[np.int64]
    rejects: tuple[Reject, ...] = ()


def parse_block(block: Block, labelled: bool = True) -> Parsed:
    """Parses a block; whether a line is accepted, and as what, depends on that line alone.

    Args:
        block: as the block reader makes it.
        labelled: whether a label follows the samples, so whether lines have 188 columns or 187.
    """
    width = COLUMNS if labelled else SAMPLES
    if block.over_long:
        rejects = (reject_over_long(block.first_row, bytes(block.data)),)
        return _parsed(np.empty((0, width), np.float32), np.empty(0, np.int64), rejects)
    try:
        matrix = read_matrix(block.data, block.rows, width)
    except UnreadableNumbersError:
        return _parse_faulty(block, width)
    if not _all_valid(matrix):
        return _parse_faulty(block, width)
    return _parsed(matrix, np.arange(block.first_row, block.first_row + block.rows), ())


def _parse_faulty(block: Block, width: int) -> Parsed:
    """Parses a block with faults: the lines that can be rows go through the same reader, the others are explained."""
    text = bytes(block.data)
    lines = [line.removesuffix(b"\r") for line in text.split(b"\n")[: block.rows]]
    if not text.endswith(b"\n"):
        lines[-1] = text[text.rfind(b"\n") + 1 :]  # a CR that no LF follows is no line end
    possible = np.array([_has_columns(line, width) for line in lines], bool)
    matrix = np.full((block.rows, width), np.nan, np.float32)
    matrix[possible] = read_floats(
        [line for line, is_possible in zip(lines, possible, strict=True) if is_possible], width
    )
    valid = _valid_rows(matrix)
    rejects = tuple(reject_line(block.first_row + at, lines[at], width) for at in np.flatnonzero(~valid).tolist())
    return _parsed(matrix[valid], block.first_row + np.flatnonzero(valid), rejects)


def _has_columns(line: bytes, width: int) -> bool:
    return line.count(b",") == width - 1 and b"\r" not in line


def _all_valid(matrix: npt.NDArray[np.float32]) -> bool:
    """Whether every row is a beat; NaN fails every comparison, and carries through min and max."""
    signal, labels = matrix[:, :SAMPLES], matrix[:, SAMPLES:]
    in_range = bool(signal.min() >= 0 and signal.max() <= 1)
    return in_range and bool(np.isin(labels, np.arange(len(CLASSES))).all())


def _valid_rows(matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Which rows are beats: bool[n]."""
    signal, labels = matrix[:, :SAMPLES], matrix[:, SAMPLES:]
    in_range = ((signal >= 0) & (signal <= 1)).all(axis=1)
    valid: npt.NDArray[np.bool_] = in_range & np.isin(labels, np.arange(len(CLASSES))).all(axis=1)
    return valid


def _parsed(matrix: npt.NDArray[np.float32], rows: npt.NDArray[np.int64], rejects: tuple[Reject, ...]) -> Parsed:
    labels = matrix[:, SAMPLES].astype(np.int64) if matrix.shape[1] == COLUMNS else None
    return Parsed(np.ascontiguousarray(matrix[:, :SAMPLES]), labels, rows, rejects)
