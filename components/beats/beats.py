"""Many beats as columns: the form in which they travel between plain functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Beats:
    """n beats, row i of every column being the same beat.

    Attributes:
        signal: float32[n, 187], min-max scaled 0..1, 120 Hz, zero-padded on the right.
        label: int64[n], an index into CLASSES.
        record: n record names, or None where they are not known.
    """

    signal: npt.NDArray[np.float32]
    label: npt.NDArray[np.int64]
    record: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.label)
