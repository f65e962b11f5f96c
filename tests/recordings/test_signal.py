from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.recordings.signal import Rate, resample

RATES = [Fraction(128), Fraction(250), Fraction(257), Fraction(1000), Fraction(500, 3)]


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_blocks_are_the_whole_resampled_signal(rate: Fraction) -> None:
    signal = np.random.default_rng(0).normal(size=5000).cumsum()
    ratio = Rate.of(rate)
    length = ratio.length(len(signal))
    whole = resample(lambda a, b: signal[a:b], len(signal), ratio, 0, length)
    assert len(whole) == length
    edges = [0, 1, 700, 701, length // 2, length - 1, length]
    for first, last in pairwise(edges):
        block = resample(lambda a, b: signal[a:b], len(signal), ratio, first, last)
        np.testing.assert_array_equal(block, whole[first:last])


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_a_slow_wave_keeps_its_shape_up_to_the_ends(rate: Fraction) -> None:
    count = int(20 * rate)
    signal = 1024 + 100 * np.sin(2 * np.pi * 1.3 * np.arange(count) / float(rate))
    ratio = Rate.of(rate)
    length = ratio.length(count)
    resampled = resample(lambda a, b: signal[a:b], count, ratio, 0, length)
    expected = 1024 + 100 * np.sin(2 * np.pi * 1.3 * np.arange(length) / 360)
    assert np.abs(resampled - expected)[60:-60].max() < 0.5
    assert np.abs(resampled - expected).max() < 20  # no fall to zero at the ends


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_a_flat_stretch_stays_flat(rate: Fraction) -> None:
    ratio = Rate.of(rate)
    out = resample(lambda a, b: np.full(b - a, 719.3), 5000, ratio, 0, ratio.length(5000))
    assert set(out.tolist()) == {719.3}


def test_at_360_hz_samples_are_passed_on_as_they_are() -> None:
    signal = np.arange(100, dtype=np.int16)
    out = resample(lambda a, b: signal[a:b], 100, Rate.of(Fraction(360)), 10, 20)
    assert out.dtype == np.int16
    assert out.tolist() == list(range(10, 20))


def test_a_missing_sample_is_not_made_up() -> None:
    signal = np.zeros(1000)
    signal[500] = np.nan
    out = resample(lambda a, b: signal[a:b], 1000, Rate.of(Fraction(250)), 0, 1440)
    assert np.isnan(out[720])
    assert not np.isnan(out[:690]).any()
    assert not np.isnan(out[750:]).any()


@given(st.sampled_from(RATES), st.integers(2, 10_000), st.lists(st.integers(0, 20_000), min_size=1, max_size=20))
def test_positions_keep_their_order_and_stay_inside(rate: Fraction, length: int, drawn: list[int]) -> None:
    samples = np.sort(np.array(drawn, np.int64) % length)
    ratio = Rate.of(rate)
    mapped = ratio.positions(samples, length)
    assert (np.diff(mapped) >= 0).all()
    assert (mapped < ratio.length(length)).all()
    exact = samples * 360 / float(rate)
    assert (np.abs(mapped - exact)[samples < length - 3] <= 0.5 + 1e-6).all()
