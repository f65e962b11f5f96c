"""The shape of one heartbeat, the five classes it can have, and many beats as columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from components.errors import counted

SAMPLES: Final = 187
"""Samples in one beat: Kaggle's window of 1.56 s, zero-padded on the right."""

SAMPLE_RATE_HZ: Final = 120
"""Sampling rate of a beat. The data set's page says 125; 360 Hz records with every third sample taken are 120."""

RECORD_RATE_HZ: Final = 360
"""Sampling rate of the MIT-BIH records that beats are cut from, and which the cutting rule assumes."""

COLUMNS: Final = SAMPLES + 1
"""Columns of a labelled CSV row: the samples, then the label."""

CLASSES: Final = ("N", "S", "V", "F", "Q")
"""AAMI EC57 class symbols; a label is an index into this tuple."""

CLASS_NAMES: Final = ("normal", "supraventricular ectopic", "ventricular ectopic", "fusion", "paced or unclassifiable")
"""The same classes in words."""

SYMBOL_TO_LABEL: Final = {
    symbol: label for label, symbols in enumerate(("NLRej", "AaJS", "VE", "F", "/fQ")) for symbol in symbols
}
"""MIT-BIH annotation symbol -> label. Symbols that are not keys do not start a beat of this data set."""


def confusion_matrix(label: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Count (truth, prediction) pairs.

    Args:
        label: int64[n], the true classes 0..4.
        predicted: int64[n], the predicted classes 0..4.

    Returns:
        int64[5, 5], rows are the truth.
    """
    classes = len(CLASSES)
    return np.bincount(label * classes + predicted, minlength=classes**2).reshape(classes, classes).astype(np.int64)


@dataclass(frozen=True)
class ContextForm:
    """What the numbers of a beat's context are; `components/beats/context.py` defines them."""

    version: int
    names: tuple[str, ...]

    @classmethod
    def from_json(cls, text: str | bytes) -> ContextForm:
        """Read an object with `version` and `names`.

        Raises:
            ValueError: it is none.
        """
        try:
            content = json.loads(text)
            return cls(int(content["version"]), tuple(map(str, content["names"])))
        except (KeyError, TypeError) as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error

    def to_json(self) -> str:
        """Return what `from_json` reads."""
        return json.dumps({"version": self.version, "names": self.names}, indent=1)

    def __str__(self) -> str:
        return f"version {self.version} ({counted(len(self.names), 'number')})"


@dataclass(frozen=True)
class Beats:
    """n beats, row i of every column being the same beat.

    Attributes:
        signal: float32[n, 187], min-max scaled 0..1, 120 Hz, zero-padded on the right.
        label: int64[n], an index into CLASSES.
        record: n record names, or None where they are not known.
        context: float32[n, k], what their recording says about them, or None where it is not known.
    """

    signal: npt.NDArray[np.float32]
    label: npt.NDArray[np.int64]
    record: tuple[str, ...] | None = None
    context: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: npt.NDArray[np.int64]) -> Beats:
        """Return the beats of these rows."""
        record = None if self.record is None else tuple(self.record[row] for row in rows)
        return Beats(self.signal[rows], self.label[rows], record, None if self.context is None else self.context[rows])


def concatenate(parts: Sequence[Beats]) -> Beats:
    """Return beats one after another; their records and context only if every part that is not empty has them."""
    parts = [part for part in parts if len(part)]
    context = [part.context for part in parts if part.context is not None]
    return Beats(
        np.concatenate([np.empty((0, SAMPLES), np.float32), *(part.signal for part in parts)]),
        np.concatenate([np.empty(0, np.int64), *(part.label for part in parts)]),
        tuple(name for part in parts for name in part.record or ()) if parts and all(p.record for p in parts) else None,
        np.concatenate(context) if parts and len(context) == len(parts) else None,
    )
