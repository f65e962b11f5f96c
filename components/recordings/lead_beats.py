"""The beats of one lead, cut block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from components.beat import RECORD_RATE_HZ
from components.beats.context import CONTEXT_NAMES, context_of
from components.beats.cut import (
    DETECTED,
    NEAREST_SECONDS,
    SURROUNDINGS,
    CutBeats,
    CutCounts,
    Windows,
    beat_windows,
    classes_of,
    count,
    cut_windows,
    gather,
    is_one_of,
    points_down,
)
from components.beats.symbols import BEAT_SYMBOLS
from components.beats.windows import BeatWindows, WindowCutter
from components.recordings.annotations import Annotations
from components.recordings.signal import LeadReader


class LeadBeats:
    """The annotated or detected beats of a lead, with the windows to cut.

    Args:
        reader: of the lead.
        annotations: its beats, and what else is annotated.
        labels: annotation symbol -> class.
        find_windows: the rule: `beat_windows`, or `kaggle_windows`.

    Attributes:
        annotations: as given.
        windows: the outcome of each annotation.
        pointing_down: beats cut by `blocks` so far whose QRS points down.
    """

    def __init__(
        self,
        reader: LeadReader,
        annotations: Annotations,
        labels: Mapping[str, int],
        find_windows: Callable[..., Windows] = beat_windows,
    ) -> None:
        self._reader, self.annotations, self._labels = reader, annotations, labels
        self._positions = reader.rate.positions(annotations.sample, reader.lead.length)
        self.windows = find_windows(self._positions, annotations.symbol, labels, reader.length)
        self._spreads: list[npt.NDArray[np.float64]] = [np.zeros(0)]
        self.pointing_down = 0

    def labels(self, index: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the classes of these annotations, int64[n]; -1 if it has none."""
        return classes_of(self.annotations.symbol[index], self._labels)

    def blocks(self, *, with_context: bool = False) -> Iterator[tuple[float, CutBeats]]:
        """Read the whole lead and yield, for each block, its share of the lead and its beats, in order.

        With their context if requested, for which the lead is read once more.

        Raises:
            DataRefused: the lead cannot be read, its checksum fails, or it is flat or has no valid sample.
        """
        sample, symbol = self.annotations.sample, self.annotations.symbol
        context = self.context() if with_context else None
        for share, beat, values, spread in self.cut(count_down=True):
            chosen = None if context is None else context[beat]
            yield share, gather(values, spread, sample[beat], symbol[beat], self._labels, chosen)

    def cut(
        self, *, count_down: bool = False
    ) -> Iterator[tuple[float, npt.NDArray[np.int64], npt.NDArray[np.float32], npt.NDArray[np.float64]]]:
        """Read the whole lead and cut every window, block by block; optionally count QRS that point down.

        Yields:
            The block's share of the lead; int64[m], the annotations that its windows are of; and float32[m, 187] and
            float64[m] as from `cut_windows`.

        Raises:
            DataRefused: as `blocks`.
        """
        reader, windows = self._reader, self.windows
        for first, last in reader.blocks():
            block = slice(*np.searchsorted(windows.start, [first, last]))
            start, stop = windows.start[block], windows.stop[block]
            begin, end = max(first - SURROUNDINGS, 0), max(last, int(stop.max(initial=0)))
            signal = reader.resampled(begin, end)
            values, spread = cut_windows(signal, start - begin, stop - begin)
            self._spreads.append(spread)
            if count_down:
                self.pointing_down += int(points_down(signal, start[spread > 0] - begin).sum())
            yield (last - first) / reader.length, windows.beat[block], values, spread
        reader.finish()

    def context(self) -> npt.NDArray[np.float32]:
        """Return float32[n, k], the context of each annotation, 0 if it is not a beat.

        Beats without a class also count in the context of the others.

        Raises:
            DataRefused: the lead cannot be read.
        """
        context = np.zeros((len(self.annotations.symbol), len(CONTEXT_NAMES)), np.float32)
        context[self.beats] = context_of(self.shapes)
        return context

    @cached_property
    def beats(self) -> npt.NDArray[np.int64]:
        """The annotations that are beats, with or without a class, int64[m]; without the doubled ones."""
        beats = is_one_of(self.annotations.symbol, {DETECTED, *self._labels, *BEAT_SYMBOLS})
        beats[self.windows.doubled] = False
        return np.flatnonzero(beats)

    @property
    def near(self) -> int:
        """How many beats are nearer to the one before than a heart can beat."""
        return int((np.diff(self._positions[self.beats]) < NEAREST_SECONDS * RECORD_RATE_HZ).sum())

    @cached_property
    def shapes(self) -> BeatWindows:
        """The windows that their context is computed from; the first use reads the whole lead at 360 Hz.

        Raises:
            DataRefused: the lead cannot be read.
        """
        positions, cutter = self._positions[self.beats], WindowCutter(RECORD_RATE_HZ)
        for first, last in self._reader.blocks():
            block = slice(*np.searchsorted(positions, [first, last]))
            begin, end = max(first - cutter.reach, 0), min(last + cutter.reach, self._reader.length)
            cutter.add(self._reader.resampled(begin, end), begin, positions[block])
        return cutter.windows()

    def counts(self) -> CutCounts:
        """Account for every annotation, after all blocks were read."""
        outside = self.annotations.outside
        counted = count(self.windows, np.concatenate(self._spreads), self.annotations.sample)
        return counted + CutCounts(annotations=outside, outside=outside)

    def symbols(self) -> dict[str, int]:
        """Return annotation symbol -> beats cut, after all blocks were read."""
        cut = self.windows.beat[np.concatenate(self._spreads) > 0]
        symbols, beats = np.unique(self.annotations.symbol[cut], return_counts=True)
        return dict(zip(symbols.tolist(), beats.tolist(), strict=True))

    def median_interval(self) -> float:
        """Return the median seconds from one beat to the next; NaN if there are fewer than two."""
        symbols = self.annotations.symbol[self.beats]
        positions = self._positions[self.beats[is_one_of(symbols, {DETECTED, *self._labels})]]
        return float(np.median(np.diff(positions))) / RECORD_RATE_HZ if len(positions) > 1 else float("nan")


def cut_together(leads: Sequence[LeadBeats]) -> list[tuple[npt.NDArray[np.int64], npt.NDArray, npt.NDArray]]:
    """Cut every window of leads of one block each, as `LeadBeats.cut` does one by one, all together.

    Returns:
        For each lead int64[m], the annotations that its windows are of; and float32[m, 187] and float64[m] as from
        `cut_windows`.

    Raises:
        DataRefused: a lead cannot be read.
    """
    signals = [lead._reader.resampled(0, lead._reader.length) for lead in leads]
    begins = np.cumsum([0, *map(len, signals)])
    start = np.concatenate([lead.windows.start + begin for lead, begin in zip(leads, begins, strict=False)])
    stop = np.concatenate([lead.windows.stop + begin for lead, begin in zip(leads, begins, strict=False)])
    values, spread = cut_windows(np.concatenate(signals), start, stop)
    first, cut = 0, []
    for lead in leads:
        rows = slice(first, first := first + len(lead.windows.beat))
        cut.append((lead.windows.beat, values[rows], spread[rows]))
    return cut
