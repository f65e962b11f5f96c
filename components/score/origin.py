"""Record and sample of consecutive rows, read from a provenance file once from front to back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.errors import DataRefused
from components.io.provenance import Origin, origin_parts


class OriginReader:
    """Hands out the origin of ever later rows, holding no more of the file than one part of it.

    Args:
        path: the provenance file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._parts = origin_parts(path)
        self._part: Origin | None = None
        self._first = 0  # row number of the first row of self._part

    def take(self, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.int64]]:
        """Record names str[n] and samples int64[n] of rows.

        Args:
            rows: int64[n], ascending, all after those of the call before.

        Raises:
            DataRefused: the file ends before, or is not a provenance file.
        """
        record, sample = np.empty(len(rows), object), np.empty(len(rows), np.int64)
        at = 0
        while at < len(rows):
            part = self._reach(int(rows[at]))
            stop = at + int(np.searchsorted(rows[at:], self._first + len(part.label)))
            here = rows[at:stop] - self._first
            record[at:stop], sample[at:stop] = part.record[here], part.sample[here]
            at = stop
        return record, sample

    def _reach(self, row: int) -> Origin:
        """The part that holds a row."""
        while self._part is None or row >= self._first + len(self._part.label):
            if self._part is not None:
                self._first += len(self._part.label)
            self._part = next(self._parts, None)
            if self._part is None:
                raise DataRefused(f"{self._path} has {self._first} rows, expected at least {row + 1}.")
        return self._part
