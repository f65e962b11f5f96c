"""The noise is Gaussian, belongs to its beat and draw, and nothing else changes it."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from components.beat import SAMPLES
from components.transform.noise import add_noise, normal_numbers

N = 3000
KNOWN = [0.08722496, -1.91105294, -0.71012932, 3.03179073]


@pytest.fixture(scope="module")
def beats() -> np.ndarray:
    """float32[n, 187]: random beats with padding, of which no two are equal."""
    signal = np.random.default_rng(5).random((N, SAMPLES), dtype=np.float32)
    signal[:, 120:] = 0
    return signal


@pytest.fixture(scope="module")
def numbers(beats: np.ndarray) -> np.ndarray:
    return normal_numbers(tf.constant(beats), 1).numpy()


def test_moments_are_those_of_a_standard_normal(numbers):
    size = numbers.size
    assert abs(numbers.mean()) < 4 / size**0.5
    assert abs(numbers.std() - 1) < 4 / (2 * size) ** 0.5
    assert abs((numbers**3).mean()) < 4 * (15 / size) ** 0.5
    assert abs((numbers**4).mean() - 3) < 4 * (96 / size) ** 0.5


def test_quantiles_are_those_of_a_standard_normal(numbers):
    from statistics import NormalDist

    share = np.asarray([0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999])
    below = [(numbers < NormalDist().inv_cdf(part)).mean() for part in share]
    assert np.abs(below - share).max() < 4 * 0.5 / numbers.size**0.5


def test_tails_reach_beyond_four_standard_deviations(numbers):
    assert 4.0 < np.abs(numbers).max() < 6.2


def test_every_sample_has_the_same_spread(numbers):
    assert np.abs(numbers.std(axis=0) - 1).max() < 5 / (2 * N) ** 0.5
    assert np.abs(numbers.mean(axis=0)).max() < 5 / N**0.5


@pytest.mark.parametrize("lag", [1, 2, 3, 16, 60])
def test_neighbouring_samples_do_not_correlate(numbers, lag):
    product = numbers[:, lag:] * numbers[:, :-lag]
    assert abs(product.mean()) < 4 / product.size**0.5


@pytest.mark.parametrize("lag", range(-3, 4))
def test_draws_do_not_correlate_at_any_shift(beats, numbers, lag):
    other = np.roll(normal_numbers(tf.constant(beats), 2).numpy(), lag, axis=1)
    assert abs((numbers * other).mean()) < 4 / numbers.size**0.5


def test_beats_do_not_correlate(numbers):
    assert abs((numbers[1:] * numbers[:-1]).mean()) < 4 / numbers.size**0.5


def test_the_smallest_change_of_one_sample_gives_other_noise():
    beat = np.full((1, SAMPLES), 0.5, np.float32)
    changed = np.repeat(beat, SAMPLES, axis=0)
    diagonal = np.arange(SAMPLES)
    changed[diagonal, diagonal] = np.nextafter(np.float32(0.5), np.float32(1))
    rows = normal_numbers(tf.constant(np.concatenate([beat, changed])), 1).numpy()
    correlation = np.corrcoef(rows)
    np.fill_diagonal(correlation, 0)
    assert np.abs(correlation).max() < 6 / SAMPLES**0.5


def test_beats_of_zeros_and_of_ones_get_noise_too():
    rows = normal_numbers(tf.constant([[0.0] * SAMPLES, [1.0] * SAMPLES]), 0).numpy()
    assert np.abs(rows.std(axis=1) - 1).max() < 0.25


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(40)), size=st.integers(1, 40))
def test_a_beat_has_the_same_noise_in_any_batch(beats, numbers, order, size):
    chosen = np.asarray(order[:size])
    assert np.array_equal(normal_numbers(tf.constant(beats[chosen]), 1).numpy(), numbers[chosen])


def test_a_graph_gives_the_same_numbers(beats, numbers):
    traced = tf.function(lambda signal: normal_numbers(signal, 1))
    assert np.array_equal(traced(tf.constant(beats)).numpy(), numbers)


def test_known_numbers():
    """What a beat's noise is today; metrics on noisy beats can be compared only as long as this holds."""
    ramp = tf.constant(np.arange(SAMPLES, dtype=np.float32)[None] / SAMPLES)
    assert normal_numbers(ramp, 3).numpy()[0, :4] == pytest.approx(KNOWN, abs=1e-6)


def test_noise_is_added_in_units_of_the_samples(beats, numbers):
    noisy = add_noise(tf.constant(beats), 1, sd=0.2).numpy()
    assert noisy - beats == pytest.approx(0.2 * numbers, abs=1e-6)
    assert (noisy[:, 120:] != 0).mean() > 0.999


def test_no_level_no_noise(beats):
    assert np.array_equal(add_noise(tf.constant(beats), 1, sd=0.0).numpy(), beats)
