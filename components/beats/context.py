"""The context of each beat in its recording, beyond its own samples: the rhythm, and its shape against the others.

No label is used, and the whole recording is: later beats as well as earlier ones. All numbers are relative to the
recording, so that its unit, gain and polarity do not matter. docs/patients.md says why it is these numbers.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from components.beat import ContextForm
from components.beats.shape import shape_columns
from components.beats.windows import BeatWindows, WindowCutter

CONTEXT_VERSION: Final = 3
"""Raised whenever the meaning of the numbers changes; a model accepts only the version it was trained on."""

CONTEXT_NAMES: Final = (
    # RR is the log of the interval in s from the beat before, next RR that to the beat after.
    "rr",
    "rr_median",  # median RR of the 41 beats around, itself
    "rr_mean32",  # RR less the log of the mean of the last 32 intervals
    "rr_next_mean32",  # next RR less the same
    "rr_change",  # RR less that of the beat before
    "rr_next_change",  # next RR less RR
    "rr_median11",  # RR less the median RR of the 11 beats around
    "rr_q75",  # RR less the upper quartile of the 81 beats around
    "rr_upper",  # RR less the mean of the longer ones of those 81, which are split in two so that both are most alike
    "rr_next_upper",  # next RR less the same
    "rr_record_q75",  # RR less the upper quartile of the recording
    "rr_next_record_q75",  # next RR less the same
    "rr_record_upper",  # RR less the mean of the longer ones of the recording, split in two as above
    "rr_levels",  # mean of the longer ones of the 81 less the mean of the shorter ones
    "rr_levels_fit",  # share of the variance of the 81 that this split explains
    "rr_jumps",  # mean change of RR from beat to beat, at most 0.3 each, over the 41 beats around
    "rr_turns",  # mean change of that change, at most 0.5 each, over the 41 beats around
    "rr_jump_share",  # share of the 41 beats around whose RR changed by more than 0.1
    # "Unlike" is log(1 + e - r) of a Pearson correlation r; D is the recording's dominant beat, deflected upwards by 1.
    "qrs_unlike",  # the QRS and that of D (150 ms on either side), e = .02
    "qrs_core_unlike",  # the same within 83 ms before and 100 ms after the centre
    "beat_unlike",  # the beat from 0.25 s before its centre to 0.38 s after it and that of D
    "t_unlike",  # the T wave (0.13 to 0.38 s after the centre) and that of D, e = .03
    "p_unlike",  # the P wave (0.23 to 0.07 s before the centre) and that of D, e = .1
    "p_peak",  # highest point of the P wave above the line between its ends, less that of D
    "noise",  # log of the mean second difference of the signal before the QRS
    "qrs_residual",  # log of the mean squared difference from D in the QRS
    "t_residual",  # the same in the T wave
    "amplitude",  # log of the QRS's peak to peak over D's
    "peak",  # maximum of the QRS less that of D
    "width_dominant",  # log of the QRS's width over D's: the spread of where the signal changes
    "fullness",  # log of the QRS's mean deflection over its largest one
    "steepness",  # log of the QRS's greatest change from sample to sample over its peak to peak
    "second_like",  # correlation of the QRS with the second shape's, -1 where there is none
    "second_share",  # share of the recording's beats that have the second shape
    "second_width",  # log of the second shape's width over D's
    "dominant_share",  # share of the recording's beats that look like D
    "alike_share",  # log of the share of the recording's beats that look like this one
    "alike_early",  # mean rr_mean32 of the beats that look like this one
    "previous_unlike",  # qrs_unlike of the beat before
    "next_unlike",  # qrs_unlike of the beat after
)

CONTEXT_FORM: Final = ContextForm(CONTEXT_VERSION, CONTEXT_NAMES)

STRETCH_BEATS: Final = 4096
"""Long recordings are split into equal stretches of at most this many beats (about an hour); numbers are relative to
the stretch: like the half-hour recordings that models learn from, and in bounded memory."""

RECENT, AROUND, FAR, NEAR = 32, 41, 81, 11
"""Beats that RR is compared with: the last ones, and those around it."""

RR_SECONDS: Final = (0.15, 4.0)
"""Intervals are clipped to these: others are an extra detection, a pause or a gap."""

Columns = dict[str, npt.NDArray[np.float32]]


def beat_context(lead: npt.NDArray, positions: npt.NDArray[np.int64], fs: float) -> npt.NDArray[np.float32]:
    """Return float32[n, k], the numbers of CONTEXT_NAMES for each beat of a recording, all finite.

    Args:
        lead: any real dtype[length], the whole lead in any unit; NaN where a sample is missing.
        positions: int64[n], the recording's beats in samples, rising.
        fs: samples per second, 100 to 1000.
    """
    cutter = WindowCutter(fs)
    cutter.add(lead, 0, np.asarray(positions, np.int64))
    return context_of(cutter.windows())


def context_of(windows: BeatWindows) -> npt.NDArray[np.float32]:
    """Return the context of all beats of a recording, as `beat_context` does, from their windows."""
    count = len(windows)
    context = np.zeros((count, len(CONTEXT_NAMES)), np.float32)
    if not count:
        return context
    rr = _log_intervals(windows.seconds)
    stretches = -(-count // STRETCH_BEATS)
    edges = np.arange(stretches + 1) * count // stretches
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        columns = _rhythm(rr, first, last)
        columns |= shape_columns(windows.take(slice(first, last)), columns["rr_mean32"])
        for column, name in enumerate(CONTEXT_NAMES):
            context[first:last, column] = columns[name]
    return np.nan_to_num(context, copy=False, nan=0.0, posinf=0.0, neginf=0.0)


def _log_intervals(seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return float32[n + 1], log s: the interval before each beat and the one after the last.

    The two that are not known are the median of the others; a single beat has intervals of a second.
    """
    known = np.log(np.diff(seconds).clip(*RR_SECONDS))
    unknown = np.median(known) if known.size else 0.0
    return np.concatenate([[unknown], known, [unknown]]).astype(np.float32)


def _rhythm(every: npt.NDArray[np.float32], first: int, last: int) -> Columns:
    """Return the columns of the rhythm for beats [first, last), from the log intervals float32[n + 1] of all."""
    rr, after = every[first:last], every[first + 1 : last + 1]
    before = every[np.maximum(np.arange(first, last) - 1, 0)]
    far = np.sort(_around(every[:-1], first, last, FAR), axis=1)
    around = np.sort(_around(every[:-1], first, last, AROUND), axis=1)
    near = np.sort(_around(every[:-1], first, last, NEAR), axis=1)
    low, high, fit = _two_levels(far)
    record = np.sort(rr)
    q75 = record[int(0.75 * (len(record) - 1))]
    record_high = _two_levels(np.quantile(record, np.linspace(0.01, 0.99, FAR))[None].astype(np.float32))[1]
    recent = _recent_mean(every[:-1], first, last)
    jumps = np.abs(np.diff(every[:-1], prepend=every[0]))
    turns = np.abs(np.diff(every, n=2, prepend=every[0]))
    return {
        "rr": rr,
        "rr_median": around[:, AROUND // 2],
        "rr_mean32": rr - recent,
        "rr_next_mean32": after - recent,
        "rr_change": rr - before,
        "rr_next_change": after - rr,
        "rr_median11": rr - near[:, NEAR // 2],
        "rr_q75": rr - far[:, FAR * 3 // 4],
        "rr_upper": rr - high,
        "rr_next_upper": after - high,
        "rr_record_q75": rr - q75,
        "rr_next_record_q75": after - q75,
        "rr_record_upper": rr - record_high,
        "rr_levels": high - low,
        "rr_levels_fit": fit,
        "rr_jumps": _mean_around(np.minimum(jumps, 0.3), first, last),
        "rr_turns": _mean_around(np.minimum(turns, 0.5), first, last),
        "rr_jump_share": _mean_around((jumps > 0.1).astype(np.float32), first, last),
    }


def _around(values: npt.NDArray[np.float32], first: int, last: int, count: int) -> npt.NDArray[np.float32]:
    """Return float32[last - first, count], the values around each; those at the ends are mirrored or repeated."""
    half = count // 2
    begin, end = max(first - half, 0), min(last + half, len(values))
    part = values[begin:end]
    left, right = half - (first - begin), half - (end - last)
    padded = np.pad(part, (left, right), mode="reflect" if len(part) > half else "edge")
    return np.lib.stride_tricks.sliding_window_view(padded, count)


def _two_levels(
    ordered: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Split each row of float32[n, FAR], sorted, in two of at least four so that the variance within is least.

    Returns:
        The mean of the lower part, that of the upper one, and the share of the variance that is between them.
    """
    count = np.arange(4, FAR - 3, dtype=np.float32)
    sums = np.cumsum(ordered, axis=1)
    low = sums[:, 3 : FAR - 4] / count
    high = (sums[:, -1:] - sums[:, 3 : FAR - 4]) / (FAR - count)
    between = (high - low) ** 2 * (count * (FAR - count) / FAR**2)
    best, row = between.argmax(axis=1), np.arange(len(ordered))
    return low[row, best], high[row, best], between[row, best] / (ordered.var(axis=1) + 1e-6)


def _recent_mean(rr: npt.NDArray[np.float32], first: int, last: int) -> npt.NDArray[np.float32]:
    """Return the log of the mean of the last RECENT intervals up to each, of fewer at the recording's start."""
    begin = max(first - RECENT + 1, 0)
    sums = np.append(0.0, np.cumsum(np.exp(rr[begin:last], dtype=np.float64)))
    stop = np.arange(first, last) - begin + 1
    start = np.maximum(stop - RECENT, 0)
    return np.log((sums[stop] - sums[start]) / (stop - start)).astype(np.float32)


def _mean_around(values: npt.NDArray[np.float32], first: int, last: int) -> npt.NDArray[np.float32]:
    """Return the mean of the AROUND values around each, of fewer at the recording's ends."""
    half = AROUND // 2
    begin, end = max(first - half, 0), min(last + half, len(values))
    sums = np.append(0.0, np.cumsum(values[begin:end], dtype=np.float64))
    start = np.maximum(np.arange(first, last) - half, begin) - begin
    stop = np.minimum(np.arange(first, last) + half + 1, end) - begin
    return ((sums[stop] - sums[start]) / (stop - start)).astype(np.float32)
