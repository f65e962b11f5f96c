from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wfdb.processing import XQRS, find_local_peaks

from components.recordings.detect import detect_beats, find_peaks
from tests.recordings.archives import at_rate, simulated


def whole(signal: np.ndarray, rate: float) -> np.ndarray:
    detector = XQRS(sig=signal, fs=rate)
    detector.detect(verbose=False)
    return np.unique(detector.qrs_inds)


def in_blocks(signal: np.ndarray, rate: float, size: int) -> np.ndarray:
    blocks = [(first, min(first + size, len(signal))) for first in range(0, len(signal), size)]
    return detect_beats(lambda first, last: signal[first:last], len(signal), rate, blocks)


@pytest.mark.parametrize("rate", [360, 128])
@pytest.mark.parametrize("kind", ["ventricular", "atrial"])
def test_blocks_find_the_beats_of_the_whole_record(rate: float, kind: str) -> None:
    signal, _, _ = simulated(seed=3, beats=250, kind=kind)
    millivolts = (at_rate(signal, rate) - 1024) / 200.0
    expected = whole(millivolts, rate)
    assert len(expected) > 150
    for seconds in (35, 60, 1000):
        assert in_blocks(millivolts, rate, seconds * int(rate)).tolist() == expected.tolist()


def test_the_beats_found_are_the_beats_there() -> None:
    signal, positions, _ = simulated(seed=5, beats=200, kind="sinus")
    detected = in_blocks((signal - 1024) / 200.0, 360, 20_000)
    distance = np.abs(detected[:, None] - positions[None, :]).min(axis=1)
    assert len(detected) > 0.97 * len(positions)
    assert (distance < 0.1 * 360).mean() > 0.97


def test_missing_samples_do_not_stop_the_search() -> None:
    signal, positions, _ = simulated(seed=5, beats=200, kind="sinus")
    millivolts = (signal - 1024) / 200.0
    millivolts[20_000:24_000] = np.nan
    detected = in_blocks(millivolts, 360, 15_000)
    assert len(detected) > 150
    assert detected.max() > positions[-5]


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("length", [0, 1, 3, 359])
def test_a_signal_shorter_than_a_beat_has_none(length: int) -> None:
    assert in_blocks(np.arange(length) % 7 * 0.1, 360, 7000).tolist() == []


def test_the_shortest_signal_that_is_searched_can_be_filtered() -> None:
    assert len(in_blocks(np.arange(360) % 7 * 0.1, 360, 7000)) <= 1


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_lead_that_comes_on_late_gives_its_beats_and_no_warning() -> None:
    signal, positions, _ = simulated(seed=5, beats=100, kind="sinus")
    late = np.concatenate([np.zeros(36_000), (signal - 1024) / 200.0])
    assert len(in_blocks(late, 360, 20_000)) > 0.9 * len(positions)


def test_a_flat_signal_has_no_beats() -> None:
    assert in_blocks(np.zeros(20_000), 360, 7000).tolist() == []


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), min_size=30, max_size=200), st.integers(2, 10))
def test_peaks_are_those_of_wfdb(values: list[int], radius: int) -> None:
    signal = np.array(values, np.float64)
    assert find_peaks(signal, radius).tolist() == find_local_peaks(signal, radius).tolist()


@pytest.mark.real
def test_blocks_find_the_beats_of_a_whole_real_record() -> None:
    import os

    import wfdb

    record = wfdb.rdrecord(str(Path(os.environ["HEARTBEAT_MITDB"]) / "203"), channels=[0], sampto=100_000)
    signal = record.p_signal[:, 0]
    assert in_blocks(signal, 360, 21_000).tolist() == whole(signal, 360).tolist()
