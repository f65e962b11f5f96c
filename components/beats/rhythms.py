"""Simulated rhythms: intervals between beats, and which beats are supraventricular ectopic ones."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Intervals = npt.NDArray[np.float64]
Early = npt.NDArray[np.bool_]

KINDS: Final = {
    "plain": 0.04,
    "drift": 0.05,
    "pause": 0.04,
    "fibrillation": 0.64,
    "flutter": 0.32,
    "rare": 0.08,
    "often": 0.08,
    "pairs": 0.08,
    "runs": 0.08,
    "bigeminy": 0.09,
    "tachycardia": 0.14,
    "majority": 0.14,
}
"""Kind of rhythm -> relative frequency."""

WITHOUT_P: Final = frozenset({"fibrillation", "flutter"})
"""Kinds of rhythm in which the atria do not beat as one, so that there is no P wave."""

GROUPS: Final = {"rare": (0.005, 0.05), "often": (0.05, 0.25), "pairs": (0.02, 0.12), "runs": (0.01, 0.12)}
"""Kind of scattered ectopic beats -> range of the share of beats at which a group of them begins."""

LEAST: Final = 0.28
"""Shortest interval, s."""


def draw_kind(rng: np.random.Generator) -> str:
    """Draw one of KINDS by its frequency."""
    return str(rng.choice(list(KINDS), p=np.array(list(KINDS.values())) / sum(KINDS.values())))


def simulate_intervals(kind: str, count: int, rng: np.random.Generator) -> tuple[Intervals, Early]:
    """Return float64[count], the interval before each beat in seconds, and bool[count], whether it is ectopic."""
    base, early = _sinus(count, rng), np.zeros(count, bool)
    if kind == "plain":
        return base, early
    if kind == "drift":
        slow = np.sin(np.linspace(0, rng.uniform(0.3, 1.5) * 2 * np.pi, count) + rng.uniform(0, 2 * np.pi))
        return base * np.exp(rng.uniform(0.1, 0.4) * slow), early
    if kind == "pause":
        paused = rng.random(count) < rng.uniform(0.005, 0.15)
        return np.where(paused, base * rng.uniform(1.2, 2.2, count), base), early
    if kind == "fibrillation":
        spread = np.exp(rng.uniform(0.12, 0.32) * rng.normal(size=count))
        return (rng.uniform(0.45, 0.95) * spread).clip(LEAST, 2.2), early
    if kind == "flutter":
        return _flutter(count, rng), early
    if kind in GROUPS:
        return _scattered(base, early, kind, rng)
    return {"bigeminy": _bigeminy, "tachycardia": _tachycardia, "majority": _majority}[kind](base, early, rng)


def _sinus(count: int, rng: np.random.Generator) -> Intervals:
    """Return a sinus rhythm: memory of the last interval, a slow drift, and breathing."""
    memory, spread = rng.uniform(0.6, 0.98), rng.choice([0.015, 0.03, 0.05, 0.09], p=[0.3, 0.35, 0.25, 0.1])
    step = rng.normal(size=count) * spread * np.sqrt(1 - memory**2)
    level, levels = rng.normal() * spread, np.zeros(count)
    for beat in range(count):
        level = memory * level + step[beat]
        levels[beat] = level
    drift = np.cumsum(rng.normal(size=count) * 0.004)
    breathing = np.sin(np.arange(count) / rng.uniform(0.6, 1.2) + rng.uniform(0, 2 * np.pi)) * rng.choice(
        [0, 0.02, 0.05]
    )
    mean = rng.uniform(0.5, 1.15)
    found: Intervals = mean * np.exp(levels + (drift - drift.mean()).clip(-0.2, 0.2) + breathing)
    return found


def _flutter(count: int, rng: np.random.Generator) -> Intervals:
    """Return intervals of two to five atrial cycles each, some repeating the number before."""
    cycle, stay = rng.uniform(0.18, 0.27), rng.uniform(0, 0.7)
    cycles = rng.choice([2, 3, 4, 5], count, p=rng.dirichlet([1.5, 1.5, 1.5, 0.3]))
    kept = rng.random(count) < stay
    kept[0] = False
    cycles = cycles[np.maximum.accumulate(np.where(kept, 0, np.arange(count)))]
    found: Intervals = cycle * cycles * np.exp(rng.uniform(0.01, 0.06) * rng.normal(size=count))
    return found.clip(LEAST, 2.2)


def _put(base: Intervals, rr: Intervals, early: Early, beat: int, share: float) -> None:
    """Make a beat ectopic, after this share of the sinus interval."""
    rr[beat], early[beat] = max(base[beat] * share, LEAST), True


def _around(share: float, spread: float, rng: np.random.Generator) -> float:
    return float(np.clip(share * np.exp(spread * rng.normal()), 0.38, 0.93))


def _scattered(base: Intervals, early: Early, kind: str, rng: np.random.Generator) -> tuple[Intervals, Early]:
    rr, share, rest = base.copy(), rng.uniform(*GROUPS[kind]), rng.uniform(0, 1)
    first, next_ = rng.uniform(0.55, 0.85), rng.uniform(0.5, 0.85)
    end = rng.choice([0.4, 0.15, 0.06])
    beat = 1
    while beat < len(rr):
        if rng.random() >= share:
            beat += 1
            continue
        length = {"pairs": int(rng.integers(1, 4)), "runs": min(60, 1 + int(rng.geometric(end)))}.get(kind, 1)
        last = min(beat + length, len(rr))
        early_share = first
        for number, place in enumerate(range(beat, last)):
            early_share = _around(next_ if number else first, 0.05, rng)
            _put(base, rr, early, place, early_share)
        if last < len(rr):
            usual = max(0.85, 1 + rest * (1 - early_share) + 0.05 * rng.normal())
            rr[last] = base[last] * (usual if length == 1 else rng.uniform(0.95, 1.3 if rng.random() < 0.7 else 1.9))
        beat = last + 1
    return rr, early


def _bigeminy(base: Intervals, early: Early, rng: np.random.Generator) -> tuple[Intervals, Early]:
    rr, share, rest = base.copy(), rng.uniform(0.55, 0.9), rng.uniform(0, 1)
    beat = 1
    while beat < len(rr):
        if rng.random() >= 0.03:
            beat += 1
            continue
        for _ in range(int(np.exp(rng.uniform(np.log(3), np.log(100))))):
            if beat >= len(rr):
                break
            early_share = _around(share, 0.03, rng)
            _put(base, rr, early, beat, early_share)
            if beat + 1 < len(rr):
                rr[beat + 1] = base[beat + 1] * max(0.85, 1 + rest * (1 - early_share) + 0.03 * rng.normal())
            beat += 2 + int(rng.integers(0, 3))
    return rr, early


def _tachycardia(base: Intervals, early: Early, rng: np.random.Generator) -> tuple[Intervals, Early]:
    rr, share, median = base.copy(), rng.uniform(0.45, 0.72), float(np.median(base))
    beat = 0
    while (beat := beat + int(np.exp(rng.uniform(np.log(5), np.log(120))))) < len(rr):
        if rng.random() < 0.6:
            last = min(beat + int(np.exp(rng.uniform(np.log(4), np.log(300)))), len(rr))
            spread = np.exp(rng.uniform(0.005, 0.06) * rng.normal(size=last - beat))
            rr[beat:last] = np.maximum(median * share * rng.uniform(0.9, 1.1) * spread, LEAST)
            early[beat:last] = True
            if last < len(rr):
                rr[last] = base[last] * rng.uniform(0.9, 1.9)
            beat = last + 1
        elif rng.random() < 0.5:
            _put(base, rr, early, beat, rng.uniform(0.55, 0.85))
    return rr, early


def _majority(base: Intervals, early: Early, rng: np.random.Generator) -> tuple[Intervals, Early]:
    rr, begin, end = base.copy(), rng.uniform(0.25, 0.7), rng.uniform(0.12, 0.5)
    share, spread = rng.uniform(0.5, 0.85), rng.uniform(0.01, 0.07)
    beat = 1
    while beat < len(rr):
        if rng.random() >= begin:
            beat += 1
            continue
        last = min(beat + min(80, int(rng.geometric(end))), len(rr))
        for place in range(beat, last):
            _put(base, rr, early, place, _around(share, spread, rng))
        if last < len(rr):
            rr[last] = base[last] * max(0.85, rng.uniform(1, 1.9) + 0.1 * rng.normal())
        beat = last + 1
    return rr, early
