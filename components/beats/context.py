"""What a recording says about each of its beats beyond the beat's samples: its rhythm, and its shape among the others.

No label is used, and the whole recording is: later beats as well as earlier ones. All numbers are relative to the
recording, so that its unit and gain do not matter.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from components.beat import ContextForm
from components.beats.windows import BEFORE, WINDOW_HZ, BeatWindows, WindowCutter

CONTEXT_VERSION: Final = 1
"""Rises with every change of what the numbers mean; a model takes no other version than the one it learnt from."""

CONTEXT_NAMES: Final = (
    "rr_mean32",  # log of the interval before the beat over the mean of the last 32
    "rr_previous_mean32",  # the same of the interval before that one
    "rr_next_mean32",  # the same of the interval after the beat
    "rr_previous",  # log of the interval before the beat over the one before that
    "rr_next",  # log of the interval after the beat over the one before it
    "rr_spread32",  # the interval before the beat less that mean, over the standard deviation of the last 32
    "width",  # width of the QRS, s
    "width_record",  # log of that width over its median in the recording
)

CONTEXT_FORM: Final = ContextForm(CONTEXT_VERSION, CONTEXT_NAMES)

RECENT: Final = 32
"""Intervals that the mean is taken of: the one before the beat and those before it."""

RR_SECONDS: Final = (0.15, 4.0)
"""Shorter and longer intervals are taken for these: an extra detection, a pause or a gap."""

QRS_REACH: Final = 18
"""Samples of a window (150 ms) on either side of its centre that the QRS lies in."""


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
    if not len(windows):
        return np.zeros((0, len(CONTEXT_NAMES)), np.float32)
    columns = np.stack([*_rhythm(windows.seconds), *_widths(windows)], axis=1)
    return np.nan_to_num(columns, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)


def intervals(seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return float64[n + 1], the interval before each beat and the one after the last, s.

    The two that are not known are the median of the others; a single beat has intervals of a second.
    """
    known = np.diff(seconds).clip(*RR_SECONDS)
    unknown = np.median(known) if known.size else 1.0
    return np.concatenate([[unknown], known, [unknown]])


def _rhythm(seconds: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], ...]:
    rr = intervals(seconds)
    before, after = rr[:-1], rr[1:]
    previous = np.append(before[:1], before[:-1])
    mean, deviation = _recent(before)
    return (
        np.log(before / mean),
        np.log(previous / mean),
        np.log(after / mean),
        np.log(before / previous),
        np.log(after / before),
        (before - mean) / (deviation + 0.02 * mean),
    )


def _recent(rr: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the mean and standard deviation of the last RECENT intervals up to each, fewer at the start."""
    count = np.minimum(np.arange(1, len(rr) + 1), RECENT)
    sums = np.cumsum([np.append(0, rr), np.append(0, rr**2)], axis=1)
    stop = np.arange(1, len(rr) + 1)
    mean, square = (sums[:, stop] - sums[:, stop - count]) / count
    return mean, np.sqrt(np.maximum(square - mean**2, 0))


def _widths(windows: BeatWindows) -> tuple[npt.NDArray[np.float64], ...]:
    """Return the QRS's width, as the spread of where the signal changes, and its log over the recording's median."""
    qrs = windows.shape[:, BEFORE - QRS_REACH : BEFORE + QRS_REACH + 1].astype(np.float32)
    slope = np.diff(qrs, axis=1) ** 2
    offset = (np.arange(2 * QRS_REACH) - QRS_REACH + 0.5) / WINDOW_HZ
    weight = slope.sum(axis=1) + 1e-6
    first, second = slope @ offset / weight, slope @ offset**2 / weight
    width = np.sqrt(np.maximum(second - first**2, 1e-6)).astype(np.float64)
    return width, np.log(width / np.median(width))
