"""Extra training data: the beats of a recording under varied conditions, with their context computed again.

Pieces of the recording, treated as recordings, vary what a beat is compared with. Simulated rhythms add runs,
fibrillation and ectopic beats in the majority, which few records have. Noise imitates detectors and electrodes: beats
missed, found twice or misplaced, and artefacts in the samples.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from components.beats.context import CONTEXT_NAMES, context_of
from components.beats.rhythms import WITHOUT_P, draw_kind, simulate_intervals
from components.beats.windows import BEFORE, WINDOW_HZ, BeatWindows

PIECE_BEATS: Final = (120, 450)
"""Beats of a piece, drawn log-uniformly."""

LEAST_BEATS: Final = 60
"""Fewest beats of a recording's last piece."""

NORMAL_PIECES: Final = 0.4
"""Share of the pieces without an ectopic beat that are kept."""

RHYTHMS: Final = 6
"""Simulated rhythms of each recording."""

RHYTHM_BEATS: Final = 400

NOISY_SHARE: Final = 1 / 3
"""Share of a recording that gets a noisy variant: all of it would outweigh the recorded beats."""

OF_SHAPE: Final = [
    column for column, name in enumerate(CONTEXT_NAMES) if not name.startswith("rr") and name != "alike_early"
]
"""Columns of the context that do not change with the rhythm."""

ATRIAL: Final = slice(BEFORE - 34, BEFORE - 8)
"""Samples of a window in which the P wave is: 0.28 to 0.07 s before the beat."""

NORMAL, ECTOPIC = 0, 1
"""Labels: indices of N and S."""


@dataclass(frozen=True)
class Variant:
    """m rows made from the beats of a recording, row i of every array being the same row."""

    beat: npt.NDArray[np.int64]  # int64[m], the beat of the recording that each was made from
    context: npt.NDArray[np.float32]  # float32[m, k]
    label: npt.NDArray[np.int64]  # int64[m]; -1 for a beat without a class


def make_variants(windows: BeatWindows, label: npt.NDArray[np.int64], name: str) -> list[Variant]:
    """Return all variants of a recording; the same ones for the same beats and name.

    Args:
        windows: of all its n beats.
        label: int64[n], the class of each, -1 where it has none.
        name: of the recording, by which the random numbers are drawn.
    """
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little"))
    makers: tuple[Callable[..., Iterator[Variant]], ...] = (_pieces, _rhythms, _noisy)
    return [variant for make in makers for variant in make(windows, label, rng)]


def _pieces(windows: BeatWindows, label: npt.NDArray[np.int64], rng: np.random.Generator) -> Iterator[Variant]:
    first, count = 0, len(windows)
    while first < count:
        last = first + int(np.exp(rng.uniform(*np.log(PIECE_BEATS))))
        if count - last < LEAST_BEATS:
            last = count
        beat = np.arange(first, last)
        if (label[beat] > NORMAL).any() or rng.random() < NORMAL_PIECES:
            yield Variant(beat, context_of(windows.take(beat)), label[beat])
        first = last


def _rhythms(windows: BeatWindows, label: npt.NDArray[np.int64], rng: np.random.Generator) -> Iterator[Variant]:
    """Give normal beats other intervals; those that come early by the simulated rhythm are S.

    Their shapes are compared with those of the whole recording, as usual: among normal beats alone no shape is odd,
    and what is learnt of rhythms would hold for clean recordings only. In fibrillation and flutter no beat has a P
    wave: else a network would learn that it is the P wave that makes an early beat normal.
    """
    normal = np.flatnonzero(label == NORMAL)
    if len(normal) < LEAST_BEATS:
        return
    recorded = context_of(windows)
    for _ in range(RHYTHMS):
        count = min(RHYTHM_BEATS, len(normal))
        first = rng.integers(0, len(normal) - count + 1)
        beat = normal[first : first + count]
        kind = draw_kind(rng)
        intervals, early = simulate_intervals(kind, count, rng)
        simulated = BeatWindows(np.cumsum(intervals), windows.shape[beat], windows.scale[beat])
        context = context_of(simulated)
        compared = context_of(_without_p(windows, rng)) if kind in WITHOUT_P else recorded
        context[:, OF_SHAPE] = compared[beat][:, OF_SHAPE]
        yield Variant(beat, context, np.where(early, ECTOPIC, NORMAL))


def _without_p(windows: BeatWindows, rng: np.random.Generator) -> BeatWindows:
    """Return windows with a straight line in place of the P wave, and waves of 4 to 9 Hz all through."""
    shape = windows.shape.astype(np.float32)
    first, last = ATRIAL.start, ATRIAL.stop
    begin, end = shape[:, first : first + 3].mean(axis=1), shape[:, last - 2 : last + 1].mean(axis=1)
    shape[:, ATRIAL] = np.linspace(begin, end, last - first, axis=1)
    rows, samples = shape.shape
    height = np.exp(rng.uniform(np.log(0.01), np.log(0.12))) * rng.uniform(0.5, 1.5, (rows, 1))
    pace, phase = rng.uniform(4, 9) * np.exp(0.1 * rng.normal(size=(rows, 1))), rng.uniform(0, 2 * np.pi, (rows, 1))
    shape += height * np.sin(2 * np.pi * pace * np.arange(samples) / WINDOW_HZ + phase)
    shape += rng.normal(0, rng.uniform(0, 0.02), shape.shape)
    return BeatWindows(windows.seconds, shape.astype(np.float16), windows.scale)


def _noisy(windows: BeatWindows, label: npt.NDArray[np.int64], rng: np.random.Generator) -> Iterator[Variant]:
    """Yield a stretch with noise in its samples, and with what a detector misses, finds twice or misplaces."""
    count = int(len(windows) * NOISY_SHARE)
    if count < LEAST_BEATS:
        return
    first = rng.integers(0, len(windows) - count + 1)
    stretch = slice(first, first + count)
    windows, label = windows.take(stretch), label[stretch]
    found = np.sort(np.concatenate([np.flatnonzero(rng.random(count) > rng.uniform(0, 0.03)), _doubled(count, rng)]))
    doubled = np.append(False, np.diff(found) == 0)
    seconds = windows.seconds[found] + rng.normal(0, rng.uniform(0, 0.01), len(found))
    after = np.append(np.diff(windows.seconds), 1.0)[found]
    seconds = np.where(doubled, windows.seconds[found] + after * rng.uniform(0.3, 0.7, len(found)), seconds)
    order = np.argsort(seconds, kind="stable")
    found, doubled, seconds = found[order], doubled[order], seconds[order]
    shape = windows.shape[found].astype(np.float32)
    shape[doubled] = np.roll(shape[doubled], WINDOW_HZ // 5, axis=1) * 0.4
    shape += _noise(shape.shape, rng)
    noisy = BeatWindows(seconds, shape.astype(np.float16), windows.scale[found])
    real = ~doubled
    yield Variant(first + found[real], context_of(noisy)[real], label[found[real]])


def _doubled(count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    return np.flatnonzero(rng.random(count) < rng.uniform(0, 0.02))


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return muscle noise, baseline wander and electrode motion, float32[n, samples], in largest deflections."""
    rows, samples = shape
    time = np.arange(samples) / WINDOW_HZ
    muscle = rng.normal(0, rng.uniform(0, 0.08), shape)
    phase, pace = rng.uniform(0, 2 * np.pi, (rows, 1)), rng.uniform(0.15, 0.6, (rows, 1))
    wander = rng.uniform(0, 0.4) * np.sin(2 * np.pi * pace * time + phase)
    moved = rng.random((rows, 1)) < rng.uniform(0, 0.05)
    centre, width = rng.uniform(0, time[-1], (rows, 1)), rng.uniform(0.05, 0.2, (rows, 1))
    motion = moved * rng.normal(0, 0.7, (rows, 1)) * np.exp(-(((time - centre) / width) ** 2))
    noise = muscle + wander - wander.mean(axis=1, keepdims=True) + motion
    return noise.astype(np.float32)
