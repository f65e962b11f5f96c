"""Which beats make an epoch, in what batches they come, and how they are changed."""

from itertools import islice

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from components.beat import CLASSES, SAMPLES
from components.errors import DataRefused
from components.train.batches import (
    Augmentation,
    augment,
    choose_rows,
    class_weights,
    make_batches,
    mix,
    row_batches,
    stretch,
)
from components.train.data import Spool
from components.train.settings import NOT_WEIGHTED, ClassWeight
from components.transform.noise import add_noise

LABEL = np.repeat([0, 1, 2, 3, 4], [500, 20, 60, 10, 50])
SIGNAL = np.random.default_rng(0).random((len(LABEL), SAMPLES), dtype=np.float32)
SPOOL = Spool({"clean": SIGNAL}, LABEL)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_natural_takes_every_beat_once():
    assert sorted(choose_rows(LABEL, "natural", 1.0, rng())) == list(range(len(LABEL)))


def test_balanced_takes_as_many_of_each_class():
    rows = choose_rows(LABEL, "balanced:100", 1.0, rng())
    assert np.bincount(LABEL[rows]).tolist() == [100] * 5
    assert len(set(rows[LABEL[rows] == 0])) == 100  # sampled down: none twice
    assert set(rows[LABEL[rows] == 3]) == set(range(580, 590))  # drawn again and again: all of them


def test_a_share_keeps_the_mix_and_loses_no_class():
    rows = choose_rows(LABEL, "natural", 0.05, rng())
    assert np.bincount(LABEL[rows]).tolist() == [25, 1, 3, 1, 3]


def test_balance_of_a_class_without_beats_is_refused_by_name():
    with pytest.raises(DataRefused, match="none of F"):
        choose_rows(LABEL[LABEL != 3], "balanced:100", 1.0, rng())


@given(st.integers(1, 40), st.integers(1, 90))
def test_batches_go_through_every_row_once_an_epoch(batch, count):
    rows = np.arange(100, 100 + count)
    taken = np.concatenate(list(islice(row_batches(rows, batch, rng()), 2 * count // batch + 2)))
    assert sorted(taken[:count]) == rows.tolist()
    assert sorted(taken[count : 2 * count]) == rows.tolist()


def first_batches(seed: int, count: int = 10) -> list[tuple[np.ndarray, np.ndarray]]:
    rows = choose_rows(LABEL, "natural", 1.0, rng())
    batches = make_batches(SPOOL, rows, 64, Augmentation(stretch=0.05), lambda signal: signal * 10, seed)
    assert batches.steps == 10
    return [(signal.numpy(), target.numpy()) for signal, target, _ in batches.dataset.take(count)]


def test_a_file_sorted_by_class_comes_mixed():
    for _, target in first_batches(1):
        assert 38 < target[:, 0].sum() < 62  # 50 of 64 are N


def test_the_same_seed_gives_the_same_batches_and_another_other_ones():
    first, again, other = first_batches(1), first_batches(1), first_batches(2)
    assert all(np.array_equal(a, b) for pair in zip(first, again, strict=True) for a, b in zip(*pair, strict=True))
    assert not np.array_equal(first[0][0], other[0][0])


def test_beats_are_normalised_last():
    signal, _ = first_batches(1, 1)[0]
    assert 5 < signal.max() <= 10


SEED = tf.constant([1, 8], tf.int64)
RNG = np.random.default_rng(3)
BEATS = RNG.random((400, SAMPLES), dtype=np.float32)
TARGETS = np.eye(len(CLASSES), dtype=np.float32)[RNG.integers(0, 5, 400)]
ALL = Augmentation(stretch=0.1, mix=0.2, noise="fresh", noisy_share=0.5, wide_share=0.5, noise_sd=0.05, noise_max=0.1)


def run(augmentation: Augmentation, seed: tf.Tensor = SEED) -> tuple[np.ndarray, np.ndarray]:
    signal, target = augment(tf.constant(BEATS), tf.constant(TARGETS), seed, augmentation)
    return signal.numpy(), target.numpy()


def test_nothing_asked_nothing_changed():
    signal, target = run(Augmentation())
    assert np.array_equal(signal, BEATS)
    assert np.array_equal(target, TARGETS)


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
    signal, target = (part.numpy() for part in mix(tf.constant(BEATS), tf.constant(TARGETS), 0.2, SEED))
    other, other_target = np.roll(BEATS, 1, axis=0), np.roll(TARGETS, 1, axis=0)
    share = ((signal - BEATS) / (other - BEATS))[:, 5]
    assert share.min() > -1e-3
    assert 0.18 < share.max() < 0.201
    assert target == pytest.approx(TARGETS + share[:, None] * (other_target - TARGETS), abs=2e-3)
    assert target.sum(axis=1) == pytest.approx(1)


def test_noise_has_the_levels_and_shares_asked_for():
    augmentation = Augmentation(noise="fresh", noisy_share=0.6, wide_share=0.5, noise_sd=0.05, noise_max=0.2)
    level = (run(augmentation)[0] - BEATS).std(axis=1)
    noisy = level > 0
    assert abs(noisy.mean() - 0.6) < 0.1
    near = np.abs(level - 0.05) < 0.011
    assert abs(near.mean() / noisy.mean() - 0.55) < 0.12  # half of them, and the drawn ones that come near
    assert 0.17 < level.max() < 0.23


def test_fixed_noise_is_transforms():
    signal, _ = run(Augmentation(noise="fixed", noise_sd=0.05))
    assert np.array_equal(signal, add_noise(tf.constant(BEATS), 0, 0.05).numpy())


def test_rare_classes_count_for_more_by_their_powers_and_one_on_average():
    label = np.repeat([0, 1, 2, 3], [80, 5, 20, 1])
    weights = class_weights(label, ClassWeight(S=0.5, V=1).powers)
    assert (weights[label]).mean() == pytest.approx(1)
    assert weights[1:] / weights[0] == pytest.approx([4, 4, 1, 1])
    assert class_weights(label, NOT_WEIGHTED.powers) == pytest.approx(np.ones(5))
    assert class_weights(label[80:], ClassWeight(V=1).powers) == pytest.approx(
        [26 / 7, 26 / 7, 26 / 140, 26 / 7, 26 / 7]
    )


def test_every_beat_comes_with_the_weight_of_its_class():
    batches = make_batches(
        SPOOL, np.arange(len(SPOOL)), 64, Augmentation(), lambda signal: signal, 3, ClassWeight(S=0.5, F=0.2)
    )
    expected = class_weights(SPOOL.label, (0, 0.5, 0, 0.2, 0))
    for _, target, weight in batches.dataset.take(3):
        assert weight.numpy() == pytest.approx(expected[target.numpy().argmax(axis=1)], rel=1e-6)
