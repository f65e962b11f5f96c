"""A block of beats on their way to the model: the one form that every input format is read into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES
from components.io.rejects import LABEL_UNKNOWN, NOT_A_NUMBER, OUT_OF_RANGE, Reject

Text = Callable[[int], "str | None"]
"""The beginning of the line that a row number stands for; None where the input is not text."""

NO_LABEL: Final = "no label"
"""A kind of reject that only binary formats have: a line of text without its label has a column too few."""

WRONG_LENGTH: Final = "wrong number of samples"
"""Another."""

NO_SAMPLE: Final = -1
"""Stands for the sample of a beat that has none."""


@dataclass(frozen=True)
class BeatBlock:
    """The beats of one block and what else its rows were; n + rejects = the block's rows.

    Attributes:
        signal: float32[n, 187], 0..1, 120 Hz.
        label: int64[n], 0..4; None where the input has none.
        record: str[n] (None where a row has none); None where the input does not say.
        sample: int64[n], place of the beat in its record, NO_SAMPLE where a row has none; None where no row has.
        rows: int64[n], each beat's row number in its file.
        rejects: the other rows, in order.
        text: what a row looks like, for a reject that is only found later; good until the next block is read.
    """

    signal: npt.NDArray[np.float32]
    label: npt.NDArray[np.int64] | None
    record: npt.NDArray[np.object_] | None
    sample: npt.NDArray[np.int64] | None
    rows: npt.NDArray[np.int64]
    rejects: tuple[Reject, ...]
    text: Text

    @property
    def row_count(self) -> int:
        """Rows of the input that this block accounts for."""
        return len(self.rows) + len(self.rejects)


def no_text(row: int) -> None:
    """The text of a row of a binary format: there is none."""


def check_values(
    signal: npt.NDArray[np.float32], label: npt.NDArray[np.float64] | None, first_row: int
) -> tuple[npt.NDArray[np.bool_], list[Reject]]:
    """Judges rows of a binary format by their values.

    Args:
        signal: float32[n, 187].
        label: float64[n], nan where a row has none; None where no row is to have one.
        first_row: number of the first row in its file.

    Returns:
        bool[n], which rows are beats, and a reject for each other row.
    """
    in_range = (signal >= 0) & (signal <= 1)
    fits = in_range.all(axis=1)
    known = np.ones(len(signal), bool) if label is None else np.isin(label, np.arange(len(CLASSES)))
    valid: npt.NDArray[np.bool_] = fits & known
    rejects = []
    for at in np.flatnonzero(~valid).tolist():
        row = first_row + at
        if not fits[at]:
            sample = int(in_range[at].argmin())
            kind, reason = _faulty_sample(sample, float(signal[at, sample]))
        else:
            assert label is not None
            kind, reason = _faulty_label(float(label[at]))
        rejects.append(Reject(row, kind, reason, None))
    return valid, rejects


def _faulty_sample(sample: int, value: float) -> tuple[str, str]:
    if np.isnan(value):
        return NOT_A_NUMBER, f"sample {sample} is not a number"
    return OUT_OF_RANGE, f"sample {sample} is {value:.7g}, outside 0..1"


def _faulty_label(label: float) -> tuple[str, str]:
    if np.isnan(label):
        return NO_LABEL, "it has no label"
    return LABEL_UNKNOWN, f"label {label:g} is not one of 0..{len(CLASSES) - 1}"
