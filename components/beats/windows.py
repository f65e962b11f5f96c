"""A short window of signal around each beat, cut block by block, so that a long recording fits into memory."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

WINDOW_HZ = 120
"""Sampling rate of a window."""

BEFORE, AFTER = 38, 54
"""Samples of a window before the beat's position (0.32 s) and from there on (0.45 s)."""

ROWS = 1024
"""Beats whose windows are computed at once: as many as fit into a processor's cache."""


@dataclass(frozen=True)
class BeatWindows:
    """n beats of one recording in order, row i of every array being the same beat: 196 bytes a beat."""

    seconds: npt.NDArray[np.float64]  # float64[n], position of each beat since the recording's start
    shape: npt.NDArray[np.float16]  # float16[n, 92], the signal less its median, divided by `scale`; 0 where missing
    scale: npt.NDArray[np.float32]  # float32[n], largest deflection of each window in the signal's unit; 0 if flat

    def __len__(self) -> int:
        return len(self.seconds)

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_] | slice) -> BeatWindows:
        """Return these beats: a piece of the recording as a recording of its own."""
        return BeatWindows(self.seconds[rows], self.shape[rows], self.scale[rows])


class WindowCutter:
    """Cut the windows of a recording's beats from consecutive blocks of one lead.

    Attributes:
        reach: samples that a block should hold before its first and after its last beat.
    """

    def __init__(self, fs: float) -> None:
        if fs <= 0:
            raise ValueError(f"fs is {fs}; it must be positive.")
        self._fs = fs
        self._taps, self._weights, self._first = _resampling(fs)
        self._length = int(self._taps.max()) + 1
        self.reach = max(-self._first, self._first + self._length)
        self._parts: list[BeatWindows] = []

    def add(self, signal: npt.NDArray, offset: int, positions: npt.NDArray[np.int64]) -> None:
        """Cut the windows of the next beats.

        Args:
            signal: any real dtype[length], any unit, NaN where a sample is missing: the block, with `reach` samples on
                either side of its beats where the recording has them. Past its ends the edge value is repeated.
            offset: position in the recording of the block's first sample.
            positions: int64[m], the block's beats, rising, in samples of the recording.
        """
        signal = np.asarray(signal, np.float32)
        inside = np.clip(positions - offset, 0, max(len(signal) - 1, 0))
        padded = np.pad(signal, self.reach, mode="edge") if len(signal) else np.zeros(2 * self.reach + 1, np.float32)
        every = np.lib.stride_tricks.sliding_window_view(padded, self._length)
        starts = inside + self.reach + self._first
        for first in range(0, len(positions), ROWS):
            rows = slice(first, first + ROWS)
            shape, scale = _windows(every[starts[rows]], self._taps, self._weights)
            self._parts.append(BeatWindows(positions[rows] / self._fs, shape, scale))

    def windows(self) -> BeatWindows:
        """Return the windows of all beats so far."""
        if not self._parts:
            return BeatWindows(np.zeros(0), np.zeros((0, BEFORE + AFTER), np.float16), np.zeros(0, np.float32))
        if len(self._parts) > 1:
            parts = self._parts
            self._parts = [
                BeatWindows(
                    np.concatenate([part.seconds for part in parts]),
                    np.concatenate([part.shape for part in parts]),
                    np.concatenate([part.scale for part in parts]),
                )
            ]
        return self._parts[0]


def _resampling(fs: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], int]:
    """Say how a window is made of samples at fs.

    Each window sample is a mean of those around it, weighted by a triangle that reaches as far as the next one at the
    slower of both rates: linear interpolation at a slow rate, a low-pass filter at a fast one.

    Returns:
        int64[t, 92], the t samples that each window sample is a mean of, counted from the first sample that any is;
        float32[t, 92], their weights; and where that first sample lies, seen from the beat.
    """
    times = np.arange(-BEFORE, AFTER) / WINDOW_HZ
    half = 1 / min(fs, WINDOW_HZ)
    first = np.ceil((times - half) * fs).astype(np.int64)
    taps = first + np.arange(math.floor(2 * half * fs) + 1)[:, None]
    weights = np.maximum(1 - np.abs(taps / fs - times) / half, 0)
    return taps - first[0], (weights / weights.sum(axis=0)).astype(np.float32), int(first[0])


def _windows(
    around: npt.NDArray[np.float32], taps: npt.NDArray[np.int64], weights: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.float32]]:
    """Return the shapes and scales of beats, as in BeatWindows, from float32[m, samples] around them.

    `around` is overwritten. A matrix product would do, but the last bits of its rows depend on the number of rows.
    """
    around -= _level(around)
    window = np.zeros((len(around), BEFORE + AFTER), np.float32)
    for tap, weight in zip(taps, weights, strict=True):
        window += around.take(tap, axis=1) * weight
    window -= np.median(window, axis=1, keepdims=True)
    scale = np.abs(window).max(axis=1)
    return (window / np.where(scale > 0, scale, 1)[:, None]).astype(np.float16), scale


def _level(around: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return float32[m, 1], the mean of each row, and put it where a sample is missing."""
    level = around.mean(axis=1, keepdims=True)
    for row in np.flatnonzero(~np.isfinite(level[:, 0])):
        known = np.isfinite(around[row])
        level[row] = around[row][known].mean() if known.any() else 0
        around[row][~known] = level[row]
    return level
