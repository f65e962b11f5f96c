"""Finding beats in a signal with wfdb's XQRS, block by block, as on the whole record.

XQRS filters, squares and looks for local peaks, then walks through the peaks with thresholds that adapt. The filters
reach a few seconds at most, so peaks come from blocks that overlap by more; the walk needs the peaks only, and goes
through those of the whole record at once. So the beats are those of the whole record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

OVERLAP_SECONDS = 20
"""How much of the neighbours each block is filtered with: many times what XQRS's filters remember."""

LEARNING_SECONDS = (60, 600, 3600)
"""Stretches from the record's start that XQRS tries to learn its thresholds from; it needs eight beats."""


def detect_beats(
    read: Callable[[int, int], npt.NDArray[np.float64]], length: int, rate: float, blocks: Iterable[tuple[int, int]]
) -> npt.NDArray[np.int64]:
    """Positions of the beats of one lead.

    Args:
        read: gives samples [first, last) in mV; NaN where one is missing.
        length: samples of the lead.
        rate: samples per second.
        blocks: consecutive [first, last) that cover the lead.

    Returns:
        int64[n], samples at the lead's own rate, rising.
    """
    overlap = int(OVERLAP_SECONDS * rate)
    positions, heights = [], []
    walker: Any = None
    for first, last in blocks:
        begin, end = max(first - overlap, 0), min(last + overlap, length)
        block = _filtered(_hold(read(begin, end)), rate)
        integrated = block.sig_i
        if walker is None:
            walker = block
            _learn(walker, rate)
            walker.sig = walker.sig_f = None  # the walk needs peaks only
        peaks = find_peaks(integrated, block.qrs_radius)
        inside = peaks[(peaks + begin >= first) & (peaks + begin < last)]
        positions.append(inside + begin)
        heights.append(integrated[inside])
    if walker is None:
        return np.zeros(0, np.int64)
    walker.peak_inds_i = np.concatenate(positions).tolist()
    walker.sig_i = dict(zip(walker.peak_inds_i, np.concatenate(heights).tolist(), strict=True))
    walker.n_peaks_i = len(walker.peak_inds_i)
    walker._run_detection()
    return np.unique(np.asarray(walker.qrs_inds, np.int64))


def find_peaks(signal: npt.NDArray[np.float64], radius: int) -> npt.NDArray[np.int64]:
    """Local peaks as wfdb.processing.find_local_peaks defines them, many times faster.

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


def _filtered(signal: npt.NDArray[np.float64], rate: float) -> Any:
    """An XQRS object with a block's filtered and integrated signal, as its own `detect` makes them."""
    from scipy.signal import filtfilt
    from wfdb.processing import XQRS
    from wfdb.processing.basic import get_filter_gain

    block = XQRS(sig=signal, fs=rate)
    block.sampfrom, block.sampto, block.verbose = 0, len(signal), False
    block._bandpass()
    wavelet = _ricker(block.qrs_width)
    block.sig_i = filtfilt(wavelet, [1], block.sig_f, axis=0) ** 2
    middle = (block.fc_low + block.fc_high) / 2
    block.mwi_gain = get_filter_gain(wavelet, [1], middle, rate) * 2
    block.transform_gain = block.filter_gain * block.mwi_gain
    return block


def _learn(walker: Any, rate: float) -> None:
    """Let XQRS learn its first thresholds from the start of the record."""
    filtered, integrated = walker.sig_f, walker.sig_i
    for seconds in LEARNING_SECONDS:
        size = min(int(seconds * rate), len(filtered))
        walker.sig_f, walker.sig_i, walker.sig_len = filtered[:size], integrated[:size], size
        walker._learn_init_params()
        if walker.learned_init_params or size == len(filtered):
            break


def _ricker(points: int, width: float = 4.0) -> npt.NDArray[np.float64]:
    """The Mexican-hat wavelet that XQRS integrates with; float64[points]."""
    x = (np.arange(points) - (points - 1) / 2) / width
    return 2 / (np.sqrt(3 * width) * np.pi**0.25) * (1 - x**2) * np.exp(-(x**2) / 2)


def _hold(signal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Repeat the last valid sample where samples are missing, so that filters go on; 0 mV before the first."""
    missing = np.isnan(signal)
    if not missing.any():
        return signal
    valid = np.where(missing, -1, np.arange(len(signal)))
    latest = np.maximum.accumulate(valid)
    return np.where(latest < 0, 0.0, signal[latest])
