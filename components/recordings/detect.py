"""Finding beats in a signal with wfdb's XQRS, block by block, as on the whole record.

XQRS filters, squares and looks for local peaks, then walks through the peaks with thresholds that adapt. The filters
reach a few seconds at most, so peaks come from blocks that overlap by more; the walk needs the peaks only, and goes
through those of the whole record at once. So the beats are those of the whole record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from components.beat import RECORD_RATE_HZ
from components.beats.cut import DETECTED
from components.recordings.annotations import Annotations
from components.recordings.signal import LeadReader

if TYPE_CHECKING:
    from components.recordings.wfdb_private import StepwiseXQRS

LEAST_SECONDS = 1
"""A shorter signal cannot be filtered, and holds no beat with its window."""

OVERLAP_SECONDS = 20
"""How much of its neighbours each block is filtered with: many times what XQRS's filters remember."""


def find_beats(reader: LeadReader, advance: Callable[[float], None] = lambda share: None) -> Annotations:
    """Find the beats of a lead at 360 Hz, for which the detector was made; `advance` takes shares of the lead read."""

    def read(first: int, last: int) -> npt.NDArray[np.float64]:
        advance((last - first) / reader.length)
        return reader.resampled_millivolts(first, last)

    positions = detect_beats(read, reader.length, RECORD_RATE_HZ, reader.blocks())
    return Annotations(reader.rate.samples(positions, reader.lead.length), np.full(len(positions), DETECTED))


def detect_beats(
    read: Callable[[int, int], npt.NDArray[np.float64]], sig_len: int, fs: float, blocks: Iterable[tuple[int, int]]
) -> npt.NDArray[np.int64]:
    """Find the beats of a signal.

    Args:
        read: returns samples [first, last) in mV; NaN where one is missing.
        sig_len: samples of the signal.
        fs: samples per second.
        blocks: consecutive [first, last) that cover the signal.

    Returns:
        int64[n], positions in samples, rising.
    """
    from components.recordings.wfdb_private import StepwiseXQRS

    if sig_len < LEAST_SECONDS * fs:
        return np.zeros(0, np.int64)
    overlap = int(OVERLAP_SECONDS * fs)
    positions, heights = [], []
    walker: StepwiseXQRS | None = None
    for first, last in blocks:
        begin, end = max(first - overlap, 0), min(last + overlap, sig_len)
        block = StepwiseXQRS(_hold(read(begin, end)), fs)
        integrated = block.integrate()
        if walker is None:
            walker = block
            walker.learn()
        peaks = find_peaks(integrated, block.qrs_radius)
        inside = peaks[(peaks + begin >= first) & (peaks + begin < last)]
        positions.append(inside + begin)
        heights.append(integrated[inside])
    if walker is None:
        return np.zeros(0, np.int64)
    return walker.walk(np.concatenate(positions), np.concatenate(heights))


def find_peaks(signal: npt.NDArray[np.float64], radius: int) -> npt.NDArray[np.int64]:
    """Find local peaks as wfdb.processing.find_local_peaks defines them, many times faster.

    Args:
        signal: float64[length].
        radius: samples on either side that a peak is the largest of.

    Returns:
        int64[n], rising, at least `radius` apart.
    """
    from scipy.ndimage import maximum_filter1d

    if signal.min() == signal.max():
        return np.zeros(0, np.int64)
    largest = maximum_filter1d(signal, 2 * radius, mode="constant", cval=-np.inf)
    kept, free = [], 0
    for position in np.flatnonzero(signal == largest).tolist():
        if position >= free:
            kept.append(position)
            free = position + radius
    return np.array(kept, np.int64)


def _hold(signal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Repeat the last valid sample where samples are missing, so that filters go on; 0 mV before the first."""
    missing = np.isnan(signal)
    if not missing.any():
        return signal
    valid = np.where(missing, -1, np.arange(len(signal)))
    latest = np.maximum.accumulate(valid)
    return np.where(latest < 0, 0.0, signal[latest])
