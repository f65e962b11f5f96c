"""Changes to beats: as large as asked, the same for the same seed, and no other ones."""

import numpy as np
import pytest
import tensorflow as tf

from components.beat import CLASSES, SAMPLES
from components.train.augment import Augmentation, augment, mix, stretch
from components.transform.noise import add_noise

SEED = tf.constant([1, 8], tf.int64)
RNG = np.random.default_rng(3)
SIGNAL = RNG.random((400, SAMPLES), dtype=np.float32)
TARGET = np.eye(len(CLASSES), dtype=np.float32)[RNG.integers(0, 5, 400)]
ALL = Augmentation(stretch=0.1, mix=0.2, noise="fresh", noisy_share=0.5, wide_share=0.5, noise_sd=0.05, noise_max=0.1)


def run(how: Augmentation, seed: tf.Tensor = SEED) -> tuple[np.ndarray, np.ndarray]:
    signal, target = augment(tf.constant(SIGNAL), tf.constant(TARGET), seed, how)
    return signal.numpy(), target.numpy()


def test_nothing_asked_nothing_changed():
    signal, target = run(Augmentation())
    assert np.array_equal(signal, SIGNAL)
    assert np.array_equal(target, TARGET)


def test_a_seed_gives_its_batch_again_and_another_seed_another():
    assert np.array_equal(run(ALL)[0], run(ALL)[0])
    assert not np.array_equal(run(ALL)[0], run(ALL, tf.constant([1, 16], tf.int64))[0])
    assert not np.array_equal(run(ALL)[0], run(ALL, tf.constant([2, 8], tf.int64))[0])


def test_stretching_keeps_the_first_sample_and_moves_a_peak_by_the_factor():
    places = np.arange(SAMPLES)
    beats = np.exp(-(((places - 80) / 4) ** 2)).astype(np.float32)[None].repeat(2000, axis=0)
    beats[:, 0] = 0.7
    stretched = stretch(tf.constant(beats), 0.1, SEED).numpy()
    assert stretched[:, 0] == pytest.approx(0.7)
    peaks = stretched[:, 1:].argmax(axis=1) + 1
    assert 72 <= peaks.min() <= 74
    assert 87 <= peaks.max() <= 89
    assert abs(peaks.mean() - 80) < 0.8


def test_stretching_interpolates_a_line_exactly():
    line = np.linspace(0, 1, SAMPLES, dtype=np.float32)[None].repeat(50, axis=0)
    stretched = stretch(tf.constant(line), 0.1, SEED).numpy()
    slopes = stretched[:, 100] / line[:, 100]
    assert np.all((slopes > 0.899) & (slopes < 1.101))
    inside = np.arange(160)
    assert stretched[:, inside] == pytest.approx(slopes[:, None] * line[:, inside], abs=1e-5)


def test_past_the_last_sample_there_is_padding():
    ones = tf.ones((500, SAMPLES))
    stretched = stretch(ones, 0.2, SEED).numpy()
    ended = stretched[:, -1] == 0
    assert 0.3 < ended.mean() < 0.7
    assert np.all(stretched[:, :155] == 1)  # 187 / 1.2


def test_mixing_takes_the_same_share_of_beat_and_label():
    signal, target = (part.numpy() for part in mix(tf.constant(SIGNAL), tf.constant(TARGET), 0.2, SEED))
    other, other_target = np.roll(SIGNAL, 1, axis=0), np.roll(TARGET, 1, axis=0)
    share = ((signal - SIGNAL) / (other - SIGNAL))[:, 5]
    assert share.min() > -1e-3
    assert 0.18 < share.max() < 0.201
    assert target == pytest.approx(TARGET + share[:, None] * (other_target - TARGET), abs=2e-3)
    assert target.sum(axis=1) == pytest.approx(1)


def test_noise_has_the_levels_and_shares_asked_for():
    how = Augmentation(noise="fresh", noisy_share=0.6, wide_share=0.5, noise_sd=0.05, noise_max=0.2)
    level = (run(how)[0] - SIGNAL).std(axis=1)
    noisy = level > 0
    assert abs(noisy.mean() - 0.6) < 0.1
    near = np.abs(level - 0.05) < 0.011
    assert abs(near.mean() / noisy.mean() - 0.55) < 0.12  # half of them, and the drawn ones that come near
    assert 0.17 < level.max() < 0.23


def test_fixed_noise_is_transforms():
    signal, _ = run(Augmentation(noise="fixed", noise_sd=0.05))
    assert np.array_equal(signal, add_noise(tf.constant(SIGNAL), 0, 0.05).numpy())
