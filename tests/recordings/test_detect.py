from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.evaluate.ec57 import pair_beats
from components.recordings.detect import detect_beats
from tests.recordings.archives import at_rate, simulated

FS = 360


def in_blocks(signal: np.ndarray, fs: float = FS, size: int | None = None) -> tuple[np.ndarray, float]:
    """Return the beats found, and the seconds without an ECG."""
    size = size or max(len(signal), 1)
    blocks = [(first, min(first + size, len(signal))) for first in range(0, len(signal), size)]
    [(found, silent)] = detect_beats(lambda first, last: signal[None, first:last].copy(), 1, len(signal), fs, blocks)
    assert (silent[:, 0] < silent[:, 1]).all()
    assert (silent[1:, 0] >= silent[:-1, 1]).all()
    inside = (found[:, None] >= silent[:, 0]) & (found[:, None] < silent[:, 1])
    assert not inside.any()
    return found, float(np.diff(silent).sum() / fs)


def millivolts(seed: int, beats: int = 200, kind: str = "sinus") -> tuple[np.ndarray, np.ndarray]:
    signal, positions, _ = simulated(seed=seed, beats=beats, kind=kind)
    return (signal - 1024) / 200.0, positions


@pytest.mark.parametrize("fs", [360, 250, 128])
@pytest.mark.parametrize("kind", ["ventricular", "atrial", "sinus"])
def test_the_beats_of_a_simulated_patient_are_found_whatever_the_rate(fs: int, kind: str) -> None:
    signal, positions = millivolts(3, 250, kind)
    found, silent = in_blocks(at_rate(signal, fs), fs)
    pairs = pair_beats(np.round(positions * fs / FS).astype(np.int64), found, round(0.15 * fs))
    wrong = sum(min(i, j) < 0 for i, j, *_ in pairs)
    assert wrong <= 0.05 * len(positions)
    assert silent == 0


def test_a_beat_is_put_where_its_wave_is_highest() -> None:
    signal, positions = millivolts(5)
    found, _ = in_blocks(signal)
    offsets = [found[j] - positions[i] for i, j, *_ in pair_beats(positions, found, 54) if min(i, j) >= 0]
    assert np.quantile(np.abs(offsets), 0.9) <= 4


@pytest.mark.parametrize("seconds", [35, 61.7, 1000])
def test_blocks_find_the_beats_of_the_whole_record(seconds: float) -> None:
    signal, _ = millivolts(3, 400, "ventricular")
    signal[30_000:36_000] = np.nan
    signal = np.concatenate([signal, np.random.default_rng(1).normal(0, 0.01, 30_000)])
    whole, silent = in_blocks(signal)
    assert len(whole) > 300
    assert silent > 60
    parts, told = in_blocks(signal, size=round(seconds * FS))
    assert parts.tolist() == whole.tolist()
    assert told == pytest.approx(silent)


@settings(deadline=None, max_examples=25)
@given(st.floats(0.2, 20), st.floats(-3, 3), st.sampled_from([1, -1]))
def test_gain_offset_and_polarity_change_nothing(gain: float, offset: float, sign: int) -> None:
    signal, _ = millivolts(7, 60)
    expected, _ = in_blocks(signal)
    found, _ = in_blocks(signal * gain * sign + offset)
    assert found.tolist() == expected.tolist()


SILENCE = {
    "off": lambda random, n: random.normal(0, 0.015, n),
    "flat": lambda random, n: np.zeros(n),
    "saturated": lambda random, n: np.full(n, 5.11) - 0.005 * (random.random(n) < 0.001),
    "mains": lambda random, n: 0.3 * np.sin(2 * np.pi * 50 / FS * np.arange(n)) + random.normal(0, 0.003, n),
    "wander": lambda random, n: np.cumsum(random.normal(0, 0.002, n)),
    "white noise": lambda random, n: random.normal(0, 0.1, n),
    "loud noise": lambda random, n: random.normal(0, 1, n),
    "smooth noise": lambda random, n: np.convolve(random.normal(0, 0.5, n), np.ones(3) / 3, "same"),
    "missing": lambda random, n: np.full(n, np.nan),
}


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("kind", SILENCE)
def test_a_lead_without_an_ecg_gives_no_beats_and_its_seconds_are_told(kind: str) -> None:
    """The last beat may be lost with the ten seconds that it is in."""
    signal, positions = millivolts(5, 100)
    rest = SILENCE[kind](np.random.default_rng(2), 600 * FS)
    found, silent = in_blocks(np.concatenate([signal, rest]), size=100_000)
    assert (found >= len(signal) + 10 * FS).sum() <= (12 if "noise" in kind else 0)  # of 600 s
    assert silent == pytest.approx(600, abs=30)
    assert abs((found < len(signal)).sum() - len(positions)) <= 15
    late, _ = in_blocks(np.concatenate([rest, signal]), size=100_000)
    assert abs((late >= len(rest)).sum() - len(positions)) <= 15


def test_missing_samples_give_no_beat_and_cost_none_beside_them() -> None:
    signal, _ = millivolts(5)
    expected, _ = in_blocks(signal)
    gap = slice(20_000, 24_000)
    holed = signal.copy()
    holed[gap] = np.nan
    found, silent = in_blocks(holed)
    assert silent == pytest.approx(4000 / FS, abs=10)
    assert not ((found >= gap.start) & (found < gap.stop)).any()
    far = (expected < gap.start - 10 * FS) | (expected > gap.stop + 10 * FS)
    assert set(expected[far]) <= set(found)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("seconds", [1.2, 4, 10, 34])
def test_signals_together_give_exactly_what_each_gives_alone(seconds: float) -> None:
    length, random = round(seconds * FS), np.random.default_rng(4)
    sinus, ventricular = millivolts(3)[0], millivolts(5, kind="ventricular")[0]
    signals = [sinus[i * 700 :][:length] for i in range(9)] + [ventricular[i * 900 :][:length] for i in range(9)]
    signals += [make(random, length) for make in SILENCE.values()]
    holed = sinus[:length].copy()
    holed[length // 3 : length // 2] = np.nan
    signals = [signals[i] for i in random.permutation(len(signals))] + [holed]
    together = detect_beats(lambda a, b: np.stack(signals)[:, a:b], len(signals), length, FS, [(0, length)])
    alone = [detect_beats(lambda a, b, s=s: s[None, a:b].copy(), 1, length, FS, [(0, length)])[0] for s in signals]
    for (found, silent), (expected, expected_silent) in zip(together, alone, strict=True):
        assert found.tolist() == expected.tolist()
        assert silent.tolist() == expected_silent.tolist()
    assert sum(len(found) for found, _ in together) > 10 * seconds
    assert sum(len(silent) > 0 for _, silent in together) >= 3


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("length", [0, 1, 3, 359])
def test_a_signal_shorter_than_a_beat_has_none(length: int) -> None:
    assert in_blocks(np.arange(length) % 7 * 0.1)[0].tolist() == []


def test_the_shortest_signal_that_is_searched_can_be_filtered() -> None:
    assert len(in_blocks(np.arange(FS) % 7 * 0.1)[0]) <= 1


def test_a_tail_of_noise_takes_time_in_proportion_to_its_length() -> None:
    signal, _ = millivolts(7, 100)
    spent = []
    for minutes in (30, 120):
        noise = np.random.default_rng(1).normal(0, 0.015, minutes * 60 * FS)
        began = time.process_time()
        in_blocks(np.concatenate([signal, noise]), size=216_000)
        spent.append(time.process_time() - began)
    assert spent[1] < 8 * spent[0]  # four times as long; quadratic would be sixteen


def test_memory_is_that_of_a_block() -> None:
    part, _ = millivolts(5, 700)

    def peak(repeats: int) -> int:
        length = repeats * len(part)
        blocks = [(first, min(first + 216_000, length)) for first in range(0, length, 216_000)]
        tracemalloc.start()
        detect_beats(lambda first, last: part.take([np.arange(first, last)], mode="wrap"), 1, length, FS, blocks)
        memory = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return memory

    assert peak(9) < 1.1 * peak(3)


@pytest.mark.real
def test_the_beats_of_real_records_are_found() -> None:
    import os
    from pathlib import Path

    import wfdb

    folder = Path(os.environ["HEARTBEAT_MITDB"])
    for name in ("100", "119", "203", "222"):
        record = wfdb.rdrecord(str(folder / name), channels=[0])
        found, _ = in_blocks(record.p_signal[:, 0], size=216_000)
        annotations = wfdb.rdann(str(folder / name), "atr")
        true = annotations.sample[np.isin(annotations.symbol, list("NLRAaJSVEFje/fQ"))]
        wrong = sum(min(i, j) < 0 for i, j, *_ in pair_beats(true, found, 54))
        assert wrong < 0.02 * len(true), name
