"""Records of simulated patients: when each beat comes, of which class it is, and the signal that this makes.

Each beat is a sum of Gaussian waves around its R peak, as in the dynamical model of McSharry, Clifford, Tarassenko and
Smith ("A dynamical model for generating synthetic electrocardiogram signals", IEEE Trans Biomed Eng 50:289-294, 2003):
P, Q, R, S and T with an amplitude, a delay and a width each, T moving with the root of the interval. What the classes
differ in is ours: premature atrial beats have another P and a slightly aberrant QRS, ventricular ones are wide and
tall without P and with T opposed, fusion beats lie between the two, paced ones follow a spike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, RECORD_RATE_HZ

N, S, V, F, Q = range(len(CLASSES))

BURDEN = {
    "sinus": (0.0, 0.015, 0.012, 0.002, 0.0),
    "atrial": (0.0, 0.2, 0.015, 0.0, 0.0),
    "ventricular": (0.0, 0.01, 0.2, 0.03, 0.0),
    "fusion": (0.0, 0.005, 0.09, 0.2, 0.0),
    "paced": (0.0, 0.01, 0.015, 0.0, 0.75),
}
"""Kind of patient -> chance that the next beat is S, V, F or Q; the rest are N."""

WAVES = ("P", "Q", "R", "S", "T", "spike")
P, QW, R, SW, T, SPIKE = range(len(WAVES))
AMPLITUDE, DELAY, WIDTH = range(3)

ADC_UNITS_PER_MV = 200
ADC_ZERO = 1024
ADC_MAX = 2047
"""As in the MIT-BIH records: 11 bits over 10 mV."""

REACH_S = 0.75
"""Seconds before and after its R peak in which a beat is drawn."""


@dataclass(frozen=True)
class Rhythm:
    """Beats of one record, in order."""

    onset: npt.NDArray[np.float64]  # float64[n], time of each beat's R peak, s
    interval: npt.NDArray[np.float64]  # float64[n], time since the beat before, s
    label: npt.NDArray[np.int64]  # int64[n], an index into CLASSES


def simulate_rhythm(kind: str, beats: int, rng: np.random.Generator) -> Rhythm:
    """Draw a rhythm: sinus with respiratory and slow variability, interrupted as the patient's kind has it.

    The two oscillations of the interval, near 0.1 Hz and at the breathing rate, are those of ECGSYN (McSharry et al.,
    IEEE Trans Biomed Eng 50:289, 2003). A premature ventricular beat is followed by a pause that completes two sinus
    intervals, a supraventricular one by a shorter pause because it resets the sinus node; a pacemaker keeps its rate.

    Args:
        kind: a key of BURDEN.
        beats: number of beats.
        rng: source of the draws.
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
    """Tell whether this class may come next: couplets of premature beats happen, but none right after a fusion beat."""
    return label in (N, Q) or previous != F


def _next_interval(
    label: int, sinus: float, mean: float, debt: float, coupling: float, pause: float
) -> tuple[float, float]:
    """Return the interval before this beat, s, and the factor for the next one."""
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


@dataclass(frozen=True)
class Shapes:
    """One patient's waves."""

    # float64[5 classes, 6 waves, 3], amplitude in mV, delay after the R peak in s, standard deviation in s
    wave: npt.NDArray[np.float64]
    vary: float  # relative beat-to-beat variation of the amplitudes


def draw_shapes(rng: np.random.Generator) -> Shapes:
    """Draw a patient: a normal beat within the ranges that adults have, and the other classes from it."""
    u = rng.uniform
    normal = np.array(
        [
            [u(0.06, 0.2), u(-0.2, -0.15), u(0.02, 0.03)],
            [u(-0.25, -0.02), u(-0.042, -0.03), u(0.008, 0.012)],
            [u(0.7, 1.8), 0.0, u(0.010, 0.017)],
            [u(-0.6, -0.05), u(0.03, 0.045), u(0.009, 0.016)],
            [u(0.15, 0.45), u(0.24, 0.31), u(0.04, 0.06)],
            [0.0, -0.03, 0.004],
        ]
    )
    atrial = normal.copy()
    atrial[P] = [normal[P, AMPLITUDE] * u(-0.6, 0.4), u(-0.16, -0.11), u(0.018, 0.028)]
    atrial[SW, AMPLITUDE] -= u(0.2, 0.5)
    atrial[SW, WIDTH] *= u(1.1, 1.7)
    atrial[R, AMPLITUDE] *= u(0.7, 0.95)
    atrial[T, AMPLITUDE] *= u(0.3, 0.7)

    side = rng.choice([1.0, 1.0, 1.0, 1.0, 1.0, -1.0])
    ventricular = np.array(
        [
            [0.0, -0.17, 0.02],
            [-side * u(0.0, 0.3), u(-0.09, -0.06), u(0.018, 0.028)],
            [side * normal[R, AMPLITUDE] * u(0.9, 1.6), 0.0, u(0.026, 0.045)],
            [-side * u(0.1, 0.9), u(0.07, 0.11), u(0.025, 0.045)],
            [-side * u(0.25, 0.7), u(0.28, 0.36), u(0.05, 0.075)],
            [0.0, -0.03, 0.004],
        ]
    )
    paced = np.array(
        [
            [normal[P, AMPLITUDE] * u(0.0, 0.7), u(-0.2, -0.16), u(0.02, 0.03)],
            [u(-0.3, 0.1), u(-0.07, -0.05), u(0.015, 0.022)],
            [u(-1.4, -0.8), 0.0, u(0.03, 0.045)],
            [u(-0.5, 0.3), u(0.07, 0.1), u(0.02, 0.035)],
            [u(0.2, 0.6), u(0.28, 0.36), u(0.05, 0.075)],
            [u(0.35, 0.9), u(-0.085, -0.06), u(0.003, 0.005)],
        ]
    )
    wave = np.empty((len(CLASSES), len(WAVES), 3))
    wave[N], wave[S], wave[V], wave[Q] = normal, atrial, ventricular, paced
    wave[F] = (normal + ventricular) / 2
    return Shapes(wave, vary=u(0.03, 0.09))


def render(shapes: Shapes, rhythm: Rhythm, rng: np.random.Generator) -> npt.NDArray[np.int16]:
    """Draw the record of a patient's shapes and rhythm, with baseline wander, muscle noise and ADC rounding.

    Returns:
        int16[length], ADC units (200 per mV, zero at 1024), 360 Hz.
    """
    beats = len(rhythm.label)
    waves = shapes.wave[rhythm.label].copy()
    fused = rhythm.label == F
    mix = rng.uniform(0.25, 0.8, beats)[fused, None, None]
    waves[fused] = (1 - mix) * shapes.wave[N] + mix * shapes.wave[V]
    aberrant = rng.uniform(0.3, 1.1, beats)[rhythm.label == S, None, None]
    waves[rhythm.label == S] += (1 - aberrant) * (shapes.wave[N] - shapes.wave[S])
    waves[:, :, AMPLITUDE] *= 1.0 + shapes.vary * rng.standard_normal((beats, len(WAVES)))
    waves[:, :, WIDTH] *= 1.0 + 0.06 * rng.standard_normal((beats, len(WAVES))).clip(-3, 3)
    stretch = np.sqrt(rhythm.interval.clip(0.45, 1.4) / 0.8)
    waves[:, T, DELAY] *= stretch
    waves[:, T, WIDTH] *= stretch

    length = int((rhythm.onset[-1] + 1.5) * RECORD_RATE_HZ)
    signal = _background(length, rng)
    reach = int(REACH_S * RECORD_RATE_HZ)
    peak = peaks(rhythm)
    offset = np.arange(-reach, reach)
    for i in range(beats):
        time = offset / RECORD_RATE_HZ + (peak[i] / RECORD_RATE_HZ - rhythm.onset[i])
        amplitude, delay, width = waves[i, :, :, None].transpose(1, 0, 2)
        drawn = (amplitude * np.exp(-0.5 * ((time - delay) / width) ** 2)).sum(axis=0)
        start = max(peak[i] - reach, 0)
        stop = min(peak[i] + reach, length)
        signal[start:stop] += drawn[start - peak[i] + reach : stop - peak[i] + reach]
    return (np.rint(signal * ADC_UNITS_PER_MV) + ADC_ZERO).clip(0, ADC_MAX).astype(np.int16)


def peaks(rhythm: Rhythm) -> npt.NDArray[np.int64]:
    """Return int64[n], the position of each R peak, samples at 360 Hz."""
    return np.rint(rhythm.onset * RECORD_RATE_HZ).astype(np.int64)


def _background(length: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return float64[length], mV: breathing, electrode drift, and muscle noise in bursts."""
    time = np.arange(length) / RECORD_RATE_HZ
    wander = np.zeros(length)
    for frequency, amplitude in ((0.05, 0.12), (0.15, 0.08), (0.28, 0.06)):
        turn = 2 * np.pi * frequency * rng.uniform(0.8, 1.2) * time + rng.uniform(0, 2 * np.pi)
        wander += rng.uniform(0.3, 1.0) * amplitude * np.sin(turn)
    bursts = 1.0 + 2.0 * np.sin(2 * np.pi * rng.uniform(0.03, 0.08) * time + rng.uniform(0, 2 * np.pi)).clip(0.3) ** 4
    white = rng.standard_normal(length + 2)
    muscle = (white[:-2] + white[1:-1] + white[2:]) / np.sqrt(3)  # most of muscle's power lies below 100 Hz
    return wander + rng.uniform(0.01, 0.035) * bursts * muscle
