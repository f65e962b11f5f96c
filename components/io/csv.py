"""CSV as blocks of beats: clean blocks are read as one matrix; in others the lines that are not beats are explained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import compress
from typing import Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, COLUMNS, SAMPLES
from components.io.beat_block import BeatBlock, join_blocks
from components.io.csv_numbers import UnreadableNumbersError, read_floats, read_matrix
from components.io.provenance import OriginReader
from components.io.rejects import Reject, reject_line, reject_over_long
from components.io.storage import InputFile
from components.io.text import LINE_BYTES, Block, read_blocks

PEEK_BYTES: Final = 2 * LINE_BYTES
"""Bytes read at a time to find the first well-formed row, usually the first line."""


def read_csv(
    text: Iterable[Block], labelled: bool, block_rows: int, provenance: InputFile | None = None
) -> Iterator[BeatBlock]:
    """Yield the beats of blocks of whole lines, joined to blocks of at least `block_rows` rows but for the last.

    Args:
        text: blocks of one file, in order.
        labelled: whether rows carry a label.
        block_rows: rows of a block.
        provenance: the file that says where the beats come from, if there is one.

    Raises:
        DataRefused: the file or its provenance cannot be read, changed while read, or is not whole gzip.
    """
    origins = None if provenance is None else OriginReader(provenance.path)
    for block in _joined((parse_block(lines, labelled) for lines in text), block_rows):
        if origins is not None:
            origin = origins.take(block.rows)
            block = replace(block, record=origin.record, sample=origin.sample)
        yield block


def _joined(blocks: Iterable[BeatBlock], block_rows: int) -> Iterator[BeatBlock]:
    waiting, rows = list[BeatBlock](), 0
    for block in blocks:
        waiting.append(block)
        rows += block.row_count
        if rows >= block_rows:
            yield join_blocks(waiting)
            waiting, rows = [], 0
    if waiting:
        yield join_blocks(waiting)


def csv_has_labels(file: InputFile) -> bool | None:
    """Tell whether the first well-formed row has a label, so 188 columns; None if no row is well-formed.

    Raises:
        DataRefused: the file cannot be read, or is not whole gzip.
    """
    for block in read_blocks(file.path, 0, file.size, block_bytes=PEEK_BYTES):
        first = [
            (row, labelled) for labelled in (True, False) for row in parse_block(block, labelled).rows[:1].tolist()
        ]
        if first:
            return bool(min(first)[1])
    return None


def parse_block(block: Block, labelled: bool = True) -> BeatBlock:
    """Parse a block of lines.

    Args:
        block: whole lines.
        labelled: whether a row has 188 columns, the label last, or 187.
    """
    width = COLUMNS if labelled else SAMPLES
    if block.over_long:
        nothing = np.empty((0, width), np.float32)
        return _beats(nothing, np.empty(0, np.int64), (reject_over_long(block.first_row, bytes(block.data)),))
    try:
        matrix = read_matrix(block.data, block.rows, width)
    except UnreadableNumbersError:
        return _parse_faulty(block, width)
    if not _all_valid(matrix):
        return _parse_faulty(block, width)
    return _beats(matrix, np.arange(block.first_row, block.first_row + block.rows), ())


def _parse_faulty(block: Block, width: int) -> BeatBlock:
    """Parse a block with faults: the lines that can be rows go through the same reader, the others are explained."""
    text = bytes(block.data)
    lines = [line.removesuffix(b"\r") for line in text.split(b"\n")[: block.rows]]
    if not text.endswith(b"\n"):
        lines[-1] = text[text.rfind(b"\n") + 1 :]  # a CR without LF is not a line end
    possible = np.array([line.count(b",") == width - 1 and b"\r" not in line for line in lines], bool)
    matrix = np.full((block.rows, width), np.nan, np.float32)
    matrix[possible] = read_floats(list(compress(lines, possible)), width)
    valid = _valid_rows(matrix)
    rejects = tuple(
        reject_line(block.first_row + index, lines[index], width) for index in np.flatnonzero(~valid).tolist()
    )
    return _beats(matrix[valid], block.first_row + np.flatnonzero(valid), rejects)


def _all_valid(matrix: npt.NDArray[np.float32]) -> bool:
    """Tell whether every row is a beat; NaN fails every comparison, and carries through min and max."""
    signal, labels = matrix[:, :SAMPLES], matrix[:, SAMPLES:]
    in_range = bool(signal.min() >= 0 and signal.max() <= 1)
    return in_range and bool(np.isin(labels, np.arange(len(CLASSES))).all())


def _valid_rows(matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Tell which rows are beats: bool[n]."""
    signal, labels = matrix[:, :SAMPLES], matrix[:, SAMPLES:]
    in_range = np.all((signal >= 0) & (signal <= 1), axis=1)
    valid: npt.NDArray[np.bool_] = np.logical_and(in_range, np.all(np.isin(labels, np.arange(len(CLASSES))), axis=1))
    return valid


def _beats(matrix: npt.NDArray[np.float32], rows: npt.NDArray[np.int64], rejects: tuple[Reject, ...]) -> BeatBlock:
    labels = matrix[:, SAMPLES].astype(np.int64) if matrix.shape[1] == COLUMNS else None
    return BeatBlock(np.ascontiguousarray(matrix[:, :SAMPLES]), labels, rows, rejects)
