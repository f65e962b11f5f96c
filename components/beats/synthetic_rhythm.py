"""Rhythm of a simulated patient: when each beat comes, and of which class it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES

N, S, V, F, Q = range(len(CLASSES))

BURDEN = {
    "sinus": (0.0, 0.015, 0.012, 0.002, 0.0),
    "atrial": (0.0, 0.2, 0.015, 0.0, 0.0),
    "ventricular": (0.0, 0.01, 0.2, 0.03, 0.0),
    "fusion": (0.0, 0.005, 0.09, 0.2, 0.0),
    "paced": (0.0, 0.01, 0.015, 0.0, 0.75),
}
"""Kind of patient -> chance that the next beat is S, V, F or Q; the rest are N."""


@dataclass(frozen=True)
class Rhythm:
    """Beats of one record, in order.

    Attributes:
        onset: float64[n], time of each beat's R peak, s.
        interval: float64[n], time since the beat before, s.
        label: int64[n], an index into CLASSES.
    """

    onset: npt.NDArray[np.float64]
    interval: npt.NDArray[np.float64]
    label: npt.NDArray[np.int64]


def simulate_rhythm(kind: str, beats: int, rng: np.random.Generator) -> Rhythm:
    """Draw a rhythm: sinus with respiratory and slow variability, interrupted as the patient's kind has it.

    The two oscillations of the interval, near 0.1 Hz and at the breathing rate, are those of ECGSYN (McSharry et al.,
    IEEE Trans Biomed Eng 50:289, 2003). A premature ventricular beat is followed by a pause that completes two sinus
    intervals, a supraventricular one by a shorter pause because it resets the sinus node; a pacemaker keeps its rate.

    Args:
        kind: a key of BURDEN.
        beats: number of beats.
        rng: where the draws come from.
    """
    mean = rng.uniform(0.62, 0.98)  # s
    breathing = rng.uniform(0.2, 0.32)  # Hz
    phase, slow_phase = rng.uniform(0, 2 * np.pi, 2)
    arrhythmia, slow, jitter = rng.uniform(0.01, 0.045), rng.uniform(0.005, 0.02), rng.uniform(0.005, 0.015)
    chances = np.array(BURDEN[kind])
    chances[N] = 1.0 - chances.sum()
    drawn = rng.choice(len(CLASSES), size=beats, p=chances)
    coupling, pause = rng.uniform(size=beats), rng.uniform(size=beats)

    label = np.empty(beats, np.int64)
    interval = np.empty(beats)
    time, debt, previous = 0.0, 1.0, N
    for i in range(beats):
        sinus = mean * (
            1.0
            + arrhythmia * np.sin(2 * np.pi * breathing * time + phase)
            + slow * np.sin(2 * np.pi * 0.1 * time + slow_phase)
            + jitter * rng.standard_normal()
        )
        label[i] = drawn[i] if _may_follow(int(drawn[i]), previous) else N
        interval[i], debt = _next_interval(int(label[i]), sinus, mean, debt, coupling[i], pause[i])
        time += interval[i]
        previous = int(label[i])
    return Rhythm(1.0 + np.cumsum(interval), interval, label)


def _may_follow(label: int, previous: int) -> bool:
    """Two premature beats in a row happen (couplets), but not straight after a fusion beat."""
    return label in (N, Q) or previous != F


def _next_interval(
    label: int, sinus: float, mean: float, debt: float, coupling: float, pause: float
) -> tuple[float, float]:
    """Interval before this beat in s, and what the one after it is to be multiplied by."""
    if label == V:
        early = 0.55 + 0.27 * coupling
        return early * sinus * min(debt, 1.2), 2.0 - early if pause > 0.12 else 1.0  # now and then interpolated
    if label == S:
        early = 0.6 + 0.28 * coupling
        return early * sinus * min(debt, 1.1), 1.05 + 0.25 * pause
    if label == F:
        early = 0.88 + 0.1 * coupling
        return early * sinus * debt, 2.0 - early
    if label == Q:
        return 0.97 * mean * min(debt, 1.1) * (1.0 + 0.004 * (coupling - 0.5)), 1.0
    return sinus * debt, 1.0
