"""Finding beats in a lead by two moving averages of its energy, and where a lead holds no ECG.

Source: M. Elgendi, Fast QRS detection with an optimized knowledge-based method, PLoS ONE 8(9):e73557, 2013: its band,
windows and offset. The mean of the energy that the offset is a share of is taken over half a minute here, not over the
whole record, so that memory is bounded and the blocks of a record find the beats that the whole of it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, sosfilt, sosfilt_zi

from components.beat import RECORD_RATE_HZ
from components.beats.cut import DETECTED
from components.recordings.annotations import Annotations
from components.recordings.signal import LeadReader, stretches

BAND_HZ: Final = (8.0, 20.0)
QRS_SECONDS: Final = 0.097
BEAT_SECONDS: Final = 0.611
OFFSET: Final = 0.08
MEAN_SECONDS: Final = 30.0
REFRACTORY_SECONDS: Final = 0.2
"""Of two peaks as near as this the higher one is the beat."""

PLACING_BAND_HZ: Final = (1.0, 30.0)
PLACING_SECONDS: Final = 0.08
"""A beat is moved to the largest deviation in this band so far from the peak of its energy: where MIT-BIH's
annotators put it, to one sample in 90 of 100 beats."""

LEAST_MILLIVOLTS: Final = 0.025
"""Less than this in the band of a QRS is no beat; MIT-BIH's and SVDB's quietest ten seconds have 0.03."""

WINDOW_SECONDS: Final = 10
"""A lead is judged to hold an ECG or not for so long at a time."""

EVEN_TOP, EVEN_MEDIAN = 0.33, 0.65
"""Nothing stands out of a window where the tenth with most energy has less than this share of it, and the median is
above this share of the mean: noise, of which white noise has .24 to .33 and .66 to .89, or a fast rhythm. 99 of 100
windows of real records have more than .34 and less than .57."""

LIKENESS, LIKENESS_SECONDS = 0.3, 0.25
"""Of such a window it is noise if the signal so far around its peaks correlates by less than this on average: .00 to
.05 in noise of several kinds, .74 to .99 in SVDB's tachycardias."""

OVERLAP_SECONDS: Final = 40
"""How much of its neighbours each block is filtered with: more than a mean and what the filters remember."""

LEAST_SECONDS: Final = 1
"""A shorter signal holds no beat with its window."""


def find_beats(
    reader: LeadReader, advance: Callable[[float], object] = lambda share: None
) -> tuple[Annotations, npt.NDArray[np.float64]]:
    """Find the beats of a lead at 360 Hz; `advance` takes shares of the lead read.

    Returns:
        The beats, and float64[m, 2], from when to when, in seconds, the lead holds no ECG: it is off, flat, saturated
        or noise.
    """

    def read(first: int, last: int) -> npt.NDArray[np.float64]:
        advance((last - first) / reader.length)
        return reader.resampled_millivolts(first, last)

    positions, silent = detect_beats(read, reader.length, RECORD_RATE_HZ, reader.blocks())
    samples = reader.rate.samples(positions, reader.lead.length)
    return Annotations(samples, np.full(len(positions), DETECTED)), silent / RECORD_RATE_HZ


def detect_beats(
    read: Callable[[int, int], npt.NDArray[np.float64]], sig_len: int, fs: float, blocks: Iterable[tuple[int, int]]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Find the beats of a signal, in time that grows with its length and in memory that does not.

    Args:
        read: returns samples [first, last) in mV; NaN where one is missing.
        sig_len: samples of the signal.
        fs: samples per second, at least 45.
        blocks: consecutive [first, last) that cover the signal.

    Returns:
        int64[n], positions in samples, rising; and int64[m, 2], the stretches without an ECG, [first, last).
    """
    window = round(WINDOW_SECONDS * fs)
    positions, heights, silent = [np.zeros(0, np.int64)], [np.zeros(0)], [np.zeros((0, 2), np.int64)]
    for first, last in blocks if sig_len >= LEAST_SECONDS * fs else ():
        begin = max(first - round(OVERLAP_SECONDS * fs), 0) // window * window  # windows are those of the whole signal
        end = min(last + round(OVERLAP_SECONDS * fs), sig_len)
        signal = read(begin, end)
        missing = np.isnan(signal)
        if missing.all():
            silent.append(np.array([[first, last]]))
            continue
        filled = _fill(signal, missing) if missing.any() else signal
        peaks, energy = _energy_peaks(filled, fs)
        placing = _band(filled, fs, PLACING_BAND_HZ, 2)
        at, height = _place(placing, peaks, round(PLACING_SECONDS * fs)), np.sqrt(energy[peaks].clip(0))
        quiet = _silent(energy, placing, at, window, round(LIKENESS_SECONDS * fs)) | missing
        kept = (at + begin >= first) & (at + begin < last) & ~quiet[at] & (height >= LEAST_MILLIVOLTS / 2)
        positions.append(at[kept] + begin)
        heights.append(height[kept])
        silent.append(stretches(quiet[first - begin : last - begin]) + first)
    apart = _apart(np.concatenate(positions), np.concatenate(heights), REFRACTORY_SECONDS * fs)
    return apart, np.concatenate(silent)


def _fill(signal: npt.NDArray[np.float64], missing: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Draw a line across missing samples, so that filters go on without a step."""
    index = np.arange(len(signal))
    return np.interp(index, index[~missing], signal[~missing])


def _energy_peaks(signal: npt.NDArray[np.float64], fs: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the peaks int64[n] of a signal's energy where a QRS may be, and that energy float64[length], mV^2."""
    squared = _band(signal, fs, BAND_HZ, 3) ** 2
    of_qrs, of_beat, mean = _means(squared, [round(s * fs) for s in (QRS_SECONDS, BEAT_SECONDS, MEAN_SECONDS)])
    starts, stops = stretches(of_qrs > of_beat + OFFSET * mean).T
    wide = stops - starts >= round(QRS_SECONDS * fs)
    peaks = [start + squared[start:stop].argmax() for start, stop in zip(starts[wide], stops[wide], strict=True)]
    return np.array(peaks, np.int64), of_qrs


def _means(values: npt.NDArray[np.float64], sizes: Sequence[int]) -> list[npt.NDArray[np.float64]]:
    """Return the moving means, float64[n] each, of so many values around each; beyond its ends a signal is mirrored."""
    count, reach = len(values), max(sizes) // 2 + 1
    total = np.append(0, np.cumsum(np.pad(values, reach, "symmetric")))
    starts = [reach - size // 2 for size in sizes]
    return [
        (total[start + size : start + size + count] - total[start : start + count]) / size
        for start, size in zip(starts, sizes, strict=True)
    ]


def _band(signal: npt.NDArray[np.float64], fs: float, band: tuple[float, float], order: int) -> npt.NDArray[np.float64]:
    """Filter a signal forwards and backwards, as scipy's `sosfiltfilt` does, which would design its start each time."""
    sections, state = _design(order, band, fs)
    reach = min(6 * order + 3, len(signal) - 1)
    before, after = 2 * signal[0] - signal[reach:0:-1], 2 * signal[-1] - signal[-2 : -reach - 2 : -1]
    filtered = np.concatenate([before, signal, after])
    for _ in range(2):
        filtered = sosfilt(sections, filtered, zi=state * filtered[0])[0][::-1]
    return filtered[reach : reach + len(signal)]


@lru_cache(maxsize=8)
def _design(
    order: int, band: tuple[float, float], fs: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return a band-pass filter, float64[order, 6], and its state in a constant signal of 1, float64[order, 2]."""
    sections = butter(order, band, "bandpass", fs=fs, output="sos")
    return sections, sosfilt_zi(sections)


def _place(signal: npt.NDArray[np.float64], peaks: npt.NDArray[np.int64], reach: int) -> npt.NDArray[np.int64]:
    """Move peaks of energy, int64[n], to the largest deviations of a signal so near."""
    around = np.clip(peaks[:, None] + np.arange(-reach, reach + 1), 0, len(signal) - 1)
    return around[np.arange(len(peaks)), np.abs(signal)[around].argmax(axis=1)]


def _silent(
    energy: npt.NDArray[np.float64],
    signal: npt.NDArray[np.float64],
    peaks: npt.NDArray[np.int64],
    window: int,
    reach: int,
) -> npt.NDArray[np.bool_]:
    """Return bool[length]: the windows of a signal that hold no ECG.

    Args:
        energy: float64[length], mV^2.
        signal: float64[length] in the band that beats are placed by.
        peaks: int64[n], where beats may be.
        window: in samples.
        reach: samples on either side of a peak by which peaks are compared.
    """
    step = max(window // 300, 1)
    silent = np.zeros(len(energy), bool)
    starts = range(0, max(len(energy) - window, 0) + 1, window)  # the last one reaches to the end
    for first, stop in zip(starts, [*starts[1:], len(energy)], strict=True):
        part = np.sort(energy[first:stop:step])
        total, tenth = part.sum(), max(len(part) // 10, 1)
        even = part[-tenth:].sum() < EVEN_TOP * total and np.median(part) * len(part) > EVEN_MEDIAN * total
        silent[first:stop] = part[-1 - len(part) // 50] < LEAST_MILLIVOLTS**2 or (
            even and _likeness(signal, peaks[(peaks >= first) & (peaks < stop)], reach) < LIKENESS
        )
    return silent


def _likeness(signal: npt.NDArray[np.float64], peaks: npt.NDArray[np.int64], reach: int) -> float:
    """Return the mean correlation of a signal around each two peaks, -1..1; 0 where there are fewer than two."""
    around = signal[np.clip(peaks[:, None] + np.arange(-reach, reach), 0, len(signal) - 1)]
    count = len(peaks)
    if count < 2:
        return 0.0
    unit = around / np.linalg.norm(around, axis=1, keepdims=True).clip(1e-12)
    return float(((unit.sum(axis=0) ** 2).sum() - count) / (count * (count - 1)))


def _apart(
    positions: npt.NDArray[np.int64], heights: npt.NDArray[np.float64], distance: float
) -> npt.NDArray[np.int64]:
    """Return the positions without the lower of each two that are too near."""
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
