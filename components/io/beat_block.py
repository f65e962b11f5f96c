"""A block of beats on its way from a file: the one form that every input format is read into."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, SAMPLES
from components.io.rejects import LABEL_UNKNOWN, NO_LABEL, NOT_A_NUMBER, OUT_OF_RANGE, Reject

LABELS: Final = {*range(len(CLASSES) + 1)}
"""Labels counted from 0 or, by mistake, from 1."""

PEAKS_SHARE: Final = 0.1
"""Share of exact zeros and ones that only a beat's first sample exceeds: in Kaggle's it has 0.49, the next 0.04."""

FEW: Final = 10
"""This many rows may all be rejects; with more, most must be beats."""

NO_SAMPLE: Final = -1
"""The sample of a beat without one."""

ARRAYS: Final = ("signal", "label", "rows", "record", "sample", "context", "seconds")
"""Attributes of a block that have a row for each beat, or are None."""


@dataclass(frozen=True)
class BeatBlock:
    """The beats of one block and what else its rows were; n + rejects = the block's rows.

    Attributes:
        signal: float32[n, 187], 0..1, 120 Hz.
        label: int64[n], 0..4; None if not requested.
        rows: int64[n], each beat's row number in its file.
        rejects: the other rows, in order.
        record: str[n] (None where a row has none); None where the input does not say.
        sample: int64[n], position of the beat in its record, NO_SAMPLE if a row has none; None if no row has one.
        context: float32[n, k], the beats' context in their recording, nan if missing; None unless requested.
        seconds: float64[n], position of the beat since its recording's start; None for rows of tables.
    """

    signal: npt.NDArray[np.float32]
    label: npt.NDArray[np.int64] | None
    rows: npt.NDArray[np.int64]
    rejects: tuple[Reject, ...]
    record: npt.NDArray[np.object_] | None = None
    sample: npt.NDArray[np.int64] | None = None
    context: npt.NDArray[np.float32] | None = None
    seconds: npt.NDArray[np.float64] | None = None

    @property
    def row_count(self) -> int:
        """Rows of the input that this block accounts for."""
        return len(self.rows) + len(self.rejects)

    def content(self) -> bytes:
        """Return the samples and the label of each beat, row after row, as little-endian float32.

        Raises:
            ValueError: the beats have no labels.
        """
        if self.label is None:
            raise ValueError("beats without labels have no content to compare")
        return np.column_stack([self.signal, self.label]).astype("<f4").tobytes()

    def keep(self, usable: npt.NDArray[np.bool_], rejects: Iterable[Reject]) -> BeatBlock:
        """Return the block with the usable beats only, bool[n], and a reject for each of the others."""
        kept: dict[str, Any] = {
            name: None if (values := getattr(self, name)) is None else np.ascontiguousarray(values[usable])
            for name in ARRAYS
        }
        return replace(self, rejects=tuple(sorted((*self.rejects, *rejects), key=lambda reject: reject.row)), **kept)


def join_blocks(blocks: Sequence[BeatBlock]) -> BeatBlock:
    """Return the beats and the rejects of several blocks, one after another.

    All blocks that hold beats have the same columns.
    """
    if len(blocks) == 1:
        return blocks[0]
    holding = [block for block in blocks if len(block.rows)] or blocks[:1]
    columns: dict[str, Any] = {
        name: None if getattr(holding[0], name) is None else np.concatenate([getattr(block, name) for block in holding])
        for name in ARRAYS
    }
    return BeatBlock(rejects=tuple(reject for block in blocks for reject in block.rejects), **columns)


def rejects_alone(rejects: Iterable[Reject]) -> BeatBlock:
    """Return a block of rows without a single beat."""
    return BeatBlock(np.zeros((0, SAMPLES), np.float32), None, np.zeros(0, np.int64), tuple(rejects))


def fault_of_sample(path: str, values: npt.NDArray[np.float32], rejects: Sequence[Reject]) -> str | None:
    """Return a sentence about a file most of whose rows are not beats, judged by some of them; else None.

    Args:
        path: of the file.
        values: float32[n, 187 or 188], the values where samples and labels are expected; nan if missing.
        rejects: those of the n rows that are not beats.
    """
    if (fault := fault_of_values(values)) is not None:
        return f"{path} {fault}."
    if len(values) < FEW or len(rejects) * 2 <= len(values):
        return None
    return (
        f"{path} is no file of beats: {len(rejects)} of {len(values)} rows looked at are none, as {rejects[0].reason}."
    )


def fault_of_values(values: npt.NDArray[np.float32]) -> str | None:
    """Say what most rows of a table have where samples and labels are expected: a clause, or None if they fit.

    Args:
        values: float32[n, 187 or 188], samples and then perhaps the label, of some rows of a file.
    """
    values = values[~np.isnan(values).any(axis=1)].astype(np.float64)
    if len(values) < 2:
        return None
    signal, labelled = values[:, :SAMPLES], values.shape[1] > SAMPLES
    whole = (values == np.floor(values)).all(axis=0)
    first, last = (set(values[:, column]) if whole[column] else set() for column in (0, -1))
    if not whole[1:-1].all():
        if len(first) == len(values) and max(first) > len(CLASSES):
            return "has numbers of rows in its first column: leave them out"
        if (column := column_of_label(values)) is not None:
            return label_in(column)
        if not labelled and last <= LABELS and max(last, default=0) > 1:
            return f"has labels in its last column, and {SAMPLES - 1} samples before them where {SAMPLES} are expected"
    outside = ((signal < 0) | (signal > 1)).any(axis=1)
    if outside.sum() * 2 > len(values) > 2:
        return (
            f"has samples from {signal.min():.4g} to {signal.max():.4g}, outside 0..1: scale each beat, "
            "(x - min) / (max - min)"
        )
    return None


def column_of_label(values: npt.NDArray[np.float32]) -> int | None:
    """Return the column that holds a table's labels instead of the last one; None if none does.

    Args:
        values: float32[n, 187 or 188], samples and then perhaps the label, of some rows of a file.
    """
    values = values[~np.isnan(values).any(axis=1)]
    if len(values) < 2 or values.shape[1] <= SAMPLES or (values == np.floor(values))[:, 1:-1].all():
        return None
    distinct = [set(column) for column in values.T]
    if distinct[-1] <= LABELS and len(distinct[-1]) > 1:
        return None
    # Labels 0 and 1 could be samples of beats that begin with their peak; the next column then has no peak.
    peaks_next = np.isin(values[:, 1], (0, 1)).mean() > PEAKS_SHARE
    if distinct[0] <= LABELS and (max(distinct[0]) > 1 or (len(distinct[0]) > 1 and peaks_next)):
        return 0
    outside = ((values < 0) | (values > 1)).sum(axis=0)
    column = int(outside.argmax())
    is_it = outside[column] == outside.sum() > 1 and distinct[column] <= LABELS and column < SAMPLES
    return column if is_it else None


def label_in(column: int) -> str:
    """Say in which column a table has its label."""
    return f"has its label in {f'column {column}, counted from 0' if column else 'the first column'}"


def faulty_values(
    signal: npt.NDArray[np.float32], label: npt.NDArray[np.float64] | None, first_row: int
) -> list[Reject]:
    """Return a reject for each row of a binary format whose values are not a beat's.

    Args:
        signal: float32[n, 187].
        label: float64[n], nan if a row has none; None if rows should have none.
        first_row: number of the first row in its file.
    """
    in_range = (signal >= 0) & (signal <= 1)
    fits: npt.NDArray[np.bool_] = np.all(in_range, axis=1)
    known = np.ones(len(signal), bool) if label is None else np.isin(label, np.arange(len(CLASSES)))
    rejects = []
    for index in np.flatnonzero(~(fits & known)).tolist():
        if not fits[index]:
            sample = int(in_range[index].argmin())
            kind, reason = _faulty_sample(sample, float(signal[index, sample]))
        else:
            assert label is not None
            kind, reason = _faulty_label(float(label[index]))
        rejects.append(Reject(first_row + index, kind, reason, None))
    return rejects


def _faulty_sample(sample: int, value: float) -> tuple[str, str]:
    if np.isnan(value):
        return NOT_A_NUMBER, f"sample {sample} is not a number"
    return OUT_OF_RANGE, f"sample {sample} is {value:.7g}, outside 0..1"


def _faulty_label(label: float) -> tuple[str, str]:
    if np.isnan(label):
        return NO_LABEL, "it has no label"
    return LABEL_UNKNOWN, f"label {label:g} is not one of 0..{len(CLASSES) - 1}"
