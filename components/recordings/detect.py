"""Finding beats in a lead by two moving averages of its energy, and where a lead holds no ECG.

Source: M. Elgendi, Fast QRS detection with an optimized knowledge-based method, PLoS ONE 8(9):e73557, 2013: its band,
windows and offset. The offset is a share of the mean energy, taken over half a minute here, not over the
whole record, so that memory is bounded and blocks give the same beats as the whole record.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from components.beat import RECORD_RATE_HZ
from components.beats.cut import DETECTED
from components.recordings.annotations import Annotations
from components.recordings.signal import LeadReader, row_stretches

BAND_HZ: Final = (8.0, 20.0)
QRS_SECONDS: Final = 0.097
BEAT_SECONDS: Final = 0.611
OFFSET: Final = 0.08
MEAN_SECONDS: Final = 30.0
REFRACTORY_SECONDS: Final = 0.2
"""Of two peaks this close, the higher one is the beat."""

PLACING_BAND_HZ: Final = (1.0, 30.0)
PLACING_SECONDS: Final = 0.08
"""A beat is moved to the largest deviation in this band within this distance of its energy peak: where MIT-BIH's
annotators put it, to one sample in 90 of 100 beats."""

LEAST_MILLIVOLTS: Final = 0.025
"""Less than this in the band of a QRS is not a beat; MIT-BIH's and SVDB's quietest ten seconds have 0.03."""

WINDOW_SECONDS: Final = 10
"""Length of the windows in which a lead is judged to hold an ECG or not."""

EVEN_TOP, EVEN_MEDIAN = 0.33, 0.65
"""Nothing stands out in a window if the tenth with most energy has less than this share of it, and the median is
above this share of the mean: noise, of which white noise has .24 to .33 and .66 to .89, or a fast rhythm. 99 of 100
windows of real records have more than .34 and less than .57."""

LIKENESS, LIKENESS_SECONDS = 0.3, 0.25
"""Such a window is noise if the signal this far around its peaks correlates by less than this on average: .00 to
.05 in noise of several kinds, .74 to .99 in SVDB's tachycardias."""

OVERLAP_SECONDS: Final = 40
"""Overlap of each block with its neighbours in filtering: more than a moving mean and the filters' memory."""

LEAST_SECONDS: Final = 1
"""A shorter signal cannot hold a beat with its window."""


def find_beats(
    readers: Sequence[LeadReader], advance: Callable[[float], object] = lambda share: None
) -> list[tuple[Annotations, npt.NDArray[np.float64]]]:
    """Find the beats of leads of one length at 360 Hz; `advance` gets the shares of them read.

    Several leads, each of one block, take less time together than one by one, as most of that is spent on calls.

    Returns:
        For each lead its beats, and float64[m, 2], start and end in seconds of stretches without an ECG: off, flat,
        saturated or noise.
    """
    length = readers[0].length

    def read(first: int, last: int) -> npt.NDArray[np.float64]:
        advance((last - first) / length)
        return np.stack([reader.resampled_millivolts(first, last) for reader in readers])

    found = detect_beats(read, len(readers), length, RECORD_RATE_HZ, readers[0].blocks())
    return [
        (
            Annotations(reader.rate.samples(positions, reader.lead.length), np.full(len(positions), DETECTED)),
            silent / RECORD_RATE_HZ,
        )
        for reader, (positions, silent) in zip(readers, found, strict=True)
    ]


def detect_beats(
    read: Callable[[int, int], npt.NDArray[np.float64]],
    count: int,
    sig_len: int,
    fs: float,
    blocks: Iterable[tuple[int, int]],
) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Find the beats of signals in bounded memory.

    Args:
        read: returns samples [first, last) of each in mV, float64[count, last - first]; NaN where one is missing.
        count: how many signals there are.
        sig_len: samples of each.
        fs: samples per second, at least 45.
        blocks: consecutive [first, last) that cover a signal; a single one if there are several signals.

    Returns:
        For each signal int64[n], positions in samples, rising; and int64[m, 2], the stretches without an ECG,
        [first, last).
    """
    window, distance = round(WINDOW_SECONDS * fs), REFRACTORY_SECONDS * fs
    stride = sig_len + math.ceil(distance)  # offsets of the signals, one after another
    positions, heights, silent = [np.zeros(0, np.int64)], [np.zeros(0)], [np.zeros((0, 2), np.int64)]
    for first, last in blocks if sig_len >= LEAST_SECONDS * fs else ():
        begin = max(first - round(OVERLAP_SECONDS * fs), 0) // window * window  # windows are those of the whole signal
        end = min(last + round(OVERLAP_SECONDS * fs), sig_len)
        signals = read(begin, end)
        missing = np.isnan(signals)
        for row in np.flatnonzero(missing.any(axis=1)):
            signals[row] = _fill(signals[row], missing[row])
        peaks, energy = _energy_peaks(signals, fs)
        placing = _band(signals, fs, PLACING_BAND_HZ, 2)
        at, height = _place(placing, peaks, round(PLACING_SECONDS * fs)), np.sqrt(energy.flat[peaks].clip(0))
        quiet = _silent(energy, placing, at, window, round(LIKENESS_SECONDS * fs)) | missing
        signal, sample = np.divmod(at, end - begin)
        sample += begin
        kept = (sample >= first) & (sample < last) & ~quiet.flat[at] & (height >= LEAST_MILLIVOLTS / 2)
        positions.append((signal * stride + sample)[kept])
        heights.append(height[kept])
        stretch = row_stretches(quiet[:, first - begin : last - begin])
        silent.append(stretch + first + stretch[:, :1] // (last - first) * (stride - (last - first)))
    apart, quiet_ones = _apart(np.concatenate(positions), np.concatenate(heights), distance), np.concatenate(silent)
    starts = np.arange(count + 1) * stride
    beats, stretched = np.searchsorted(apart, starts), np.searchsorted(quiet_ones[:, 0], starts)
    return [
        (apart[slice(*beats[i : i + 2])] - starts[i], quiet_ones[slice(*stretched[i : i + 2])] - starts[i])
        for i in range(count)
    ]


def _fill(signal: npt.NDArray[np.float64], missing: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Interpolate missing samples linearly, so that filters see no step; 0 if all are missing."""
    if missing.all():
        return np.zeros(len(signal))
    index = np.arange(len(signal))
    return np.interp(index, index[~missing], signal[~missing])


def _energy_peaks(signals: npt.NDArray[np.float64], fs: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the peaks of the energy of signals, float64[count, length], where a QRS may be, and that energy in mV^2.

    The peaks are int64[n], indices into the signals as they lie in memory, one after another.
    """
    squared = _band(signals, fs, BAND_HZ, 3) ** 2
    of_qrs, of_beat, mean = _means(squared, [round(s * fs) for s in (QRS_SECONDS, BEAT_SECONDS, MEAN_SECONDS)])
    likely = row_stretches(of_qrs > of_beat + OFFSET * mean)
    wide = likely[likely[:, 1] - likely[:, 0] >= round(QRS_SECONDS * fs)]
    values = squared.ravel()
    return np.array([start + values[start:stop].argmax() for start, stop in wide.tolist()], np.int64), of_qrs


def _means(values: npt.NDArray[np.float64], sizes: Sequence[int]) -> list[npt.NDArray[np.float64]]:
    """Return moving means, each of the shape of the values, over each of the sizes; signals are mirrored at their ends.

    Args:
        values: float64[count, length].
        sizes: of the means.
    """
    length, reach = values.shape[1], max(sizes) // 2 + 1
    total = np.pad(values, ((0, 0), (reach + 1, reach)), "symmetric")
    total[:, 0] = 0
    np.cumsum(total, axis=1, out=total)
    starts = [reach - size // 2 for size in sizes]
    return [
        (total[:, start + size : start + size + length] - total[:, start : start + length]) / size
        for start, size in zip(starts, sizes, strict=True)
    ]


def _band(
    signals: npt.NDArray[np.float64], fs: float, band: tuple[float, float], order: int
) -> npt.NDArray[np.float64]:
    """Filter signals, float64[count, length], forwards and backwards as scipy's `sosfiltfilt`, but designed once."""
    from scipy.signal import sosfilt  # half a second, not needed for beats in tables

    sections, state = _design(order, band, fs)
    length = signals.shape[1]
    reach = min(6 * order + 3, length - 1)
    before = 2 * signals[:, :1] - signals[:, reach:0:-1]
    after = 2 * signals[:, -1:] - signals[:, -2 : -reach - 2 : -1]
    filtered = np.concatenate([before, signals, after], axis=1)
    for _ in range(2):
        filtered = sosfilt(sections, filtered, zi=state[:, None] * filtered[:, :1])[0][:, ::-1]
    return filtered[:, reach : reach + length]


@lru_cache(maxsize=8)
def _design(
    order: int, band: tuple[float, float], fs: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return a band-pass filter, float64[order, 6], and its state in a constant signal of 1, float64[order, 2]."""
    from scipy.signal import butter, sosfilt_zi

    sections = butter(order, band, "bandpass", fs=fs, output="sos")
    return sections, sosfilt_zi(sections)


def _place(signals: npt.NDArray[np.float64], peaks: npt.NDArray[np.int64], reach: int) -> npt.NDArray[np.int64]:
    """Move peaks of energy, int64[n] as from `_energy_peaks`, to the largest deviations of their signals nearby."""
    length = signals.shape[1]
    start = (peaks // length * length)[:, None]
    around = np.clip(peaks[:, None] + np.arange(-reach, reach + 1), start, start + length - 1)
    return around[np.arange(len(peaks)), np.abs(signals.ravel()[around]).argmax(axis=1)]


def _silent(
    energy: npt.NDArray[np.float64],
    signals: npt.NDArray[np.float64],
    peaks: npt.NDArray[np.int64],
    window: int,
    reach: int,
) -> npt.NDArray[np.bool_]:
    """Return bool[count, length]: the windows of signals that hold no ECG.

    Args:
        energy: float64[count, length], mV^2.
        signals: float64[count, length] in the band in which beats are placed.
        peaks: int64[n] as from `_energy_peaks`, where beats may be.
        window: in samples.
        reach: samples compared on either side of a peak.
    """
    count, length = energy.shape
    step = max(window // 300, 1)
    silent = np.zeros((count, length), bool)
    starts = range(0, max(length - window, 0) + 1, window)  # the last one reaches to the end
    for first, stop in zip(starts, [*starts[1:], length], strict=True):
        part = np.sort(energy[:, first:stop:step], axis=1)
        size = part.shape[1]
        total, median = part.sum(axis=1), (part[:, (size - 1) // 2] + part[:, size // 2]) / 2
        even = part[:, -max(size // 10, 1) :].sum(axis=1) < EVEN_TOP * total
        even &= median * size > EVEN_MEDIAN * total
        off = part[:, -1 - size // 50] < LEAST_MILLIVOLTS**2
        for row in np.flatnonzero(even & ~off):
            near = peaks[(peaks >= row * length + first) & (peaks < row * length + stop)] - row * length
            off[row] = _likeness(signals[row], near, reach) < LIKENESS
        silent[:, first:stop] = off[:, None]
    return silent


def _likeness(signal: npt.NDArray[np.float64], peaks: npt.NDArray[np.int64], reach: int) -> float:
    """Return the mean correlation of a signal around each two peaks, -1..1; 0 if there are fewer than two."""
    around = signal[np.clip(peaks[:, None] + np.arange(-reach, reach), 0, len(signal) - 1)]
    count = len(peaks)
    if count < 2:
        return 0.0
    unit = around / np.linalg.norm(around, axis=1, keepdims=True).clip(1e-12)
    return float(((unit.sum(axis=0) ** 2).sum() - count) / (count * (count - 1)))


def _apart(
    positions: npt.NDArray[np.int64], heights: npt.NDArray[np.float64], distance: float
) -> npt.NDArray[np.int64]:
    """Return the positions without the lower of each two that are too close."""
    near = np.diff(positions, prepend=-np.inf) < distance
    kept, last = np.ones(len(positions), bool), 0
    for beat in np.flatnonzero(near).tolist():
        if not near[beat - 1]:
            last = beat - 1
        if positions[beat] - positions[last] < distance:
            lower = beat if heights[beat] <= heights[last] else last
            kept[lower] = False
        if kept[beat]:
            last = beat
    return positions[kept]
