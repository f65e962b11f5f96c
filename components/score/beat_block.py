"""A block of beats on their way to the model: the one form that every input format is read into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from components.beats.beat import CLASSES
from components.ingest.rejects import LABEL_UNKNOWN, NOT_A_NUMBER, OUT_OF_RANGE, Reject

Text = Callable[[int], "str | None"]
"""The beginning of the line that a row number stands for; None where the input is not text."""

NO_SAMPLE: Final = -1
"""Stands for the sample of a beat that has none."""


@dataclass(frozen=True)
class BeatBlock:
    """The beats of one block and what else its rows were; n + rejects = the block's rows.

    Attributes:
        signal: float32[n, 187], 0..1, 120 Hz.
        label: int64[n], 0..4; None where the input has none.
        record: str[n] (None where a row has none); None where the input does not say.
        sample: int64[n], place of the beat in its record (NO_SAMPLE where a row has none); None where the input does not
            say.
        rows: int64[n], each beat's row number in its file.
        rejects: the other rows, in order.
        text: what a row looks like, for a reject that is only found later.
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
    signal: npt.NDArray[np.float32], label: npt.NDArray[np.int64] | None, first_row: int
) -> tuple[npt.NDArray[np.bool_], list[Reject]]:
    """Judges rows of a binary format by their values.

    Args:
        signal: float32[n, 187].
        label: int64[n], or None.
        first_row: number of the first row in its file.

    Returns:
        bool[n], which rows are beats, and a reject for each other row.
    """
    in_range = (signal >= 0) & (signal <= 1)
    fits = in_range.all(axis=1)
    known = np.ones(len(signal), bool) if label is None else (label >= 0) & (label < len(CLASSES))
    valid: npt.NDArray[np.bool_] = fits & known
    rejects = []
    for at in np.flatnonzero(~valid).tolist():
        row = first_row + at
        if not fits[at]:
            sample = int(in_range[at].argmin())
            value = float(signal[at, sample])
            if np.isnan(value):
                rejects.append(Reject(row, NOT_A_NUMBER, f"sample {sample} is not a number", None))
            else:
                rejects.append(Reject(row, OUT_OF_RANGE, f"sample {sample} is {value:.7g}, outside 0..1", None))
        elif label is not None:
            reason = f"label {label[at]} is not one of 0..{len(CLASSES) - 1}"
            rejects.append(Reject(row, LABEL_UNKNOWN, reason, None))
    return valid, rejects
