from __future__ import annotations

import numpy as np
import pytest

from components.evaluate.intervals import (
    interval_of,
    paired_bootstrap,
    resampled_confusions,
    wilson,
)
from components.evaluate.metrics import accuracy_of, macro_f1_of


def answers(rng, rows, accuracy):
    """Labels, mostly N, and predictions that are right with the given chance."""
    label = rng.choice(5, rows, p=[0.7, 0.1, 0.1, 0.05, 0.05])
    return label, np.where(rng.random(rows) < accuracy, label, rng.integers(0, 5, rows))


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    # from the closed form, as published tables have it
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)],
)
def test_wilson_against_published_values(hits, trials, low, high):
    assert wilson(hits, trials) == pytest.approx((low, high), abs=1e-4)


def test_wilson_of_nothing_is_unknown():
    assert wilson(0, 0) is None


def test_resampling_counts_is_resampling_rows():
    rng = np.random.default_rng(0)
    label, predicted = answers(rng, 400, 0.8)
    fast = accuracy_of(resampled_confusions(label, predicted, 4000, seed=1))
    rows = rng.integers(0, 400, (4000, 400))
    slow = (label[rows] == predicted[rows]).mean(axis=1)
    assert fast.mean() == pytest.approx(slow.mean(), abs=0.002)
    assert fast.std() == pytest.approx(slow.std(), rel=0.06)


def test_answers_to_one_beat_are_drawn_together():
    label, predicted = answers(np.random.default_rng(0), 400, 0.8)
    once = accuracy_of(resampled_confusions(label, predicted, 1000, seed=1))
    five_times = accuracy_of(resampled_confusions(label, np.tile(predicted, (5, 1)), 1000, seed=1))
    np.testing.assert_allclose(once, five_times)  # five equal answers tell no more than one


def test_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(2)
    truth = 0.8 + 0.2 / 5
    covered = 0
    for seed in range(300):
        label, predicted = answers(rng, 500, 0.8)
        low, high = interval_of(accuracy_of(resampled_confusions(label, predicted, 300, seed)))
        covered += low <= truth <= high
    assert 0.90 < covered / 300 < 0.99


def test_paired_interval_is_narrower_than_an_unpaired_one_and_has_the_sign():
    rng = np.random.default_rng(3)
    label, old = answers(rng, 3000, 0.9)
    new = np.where(rng.random(3000) < 0.02, (label + 1) % 5, old)  # the same answers, but for 2 %
    low, high = paired_bootstrap(label, new, old, accuracy_of, seed=0)
    assert low < np.mean(new == label) - np.mean(old == label) < high < 0
    assert high - low < 0.012
    back_low, back_high = paired_bootstrap(label, old, new, accuracy_of, seed=0)
    assert (back_low, back_high) == pytest.approx((-high, -low), abs=0.002)


def test_equal_answers_differ_by_nothing():
    label, told = answers(np.random.default_rng(4), 500, 0.9)
    assert paired_bootstrap(label, told, told, macro_f1_of, seed=0) == (0.0, 0.0)


def test_same_seed_same_interval():
    label, old = answers(np.random.default_rng(5), 500, 0.9)
    _, new = answers(np.random.default_rng(6), 500, 0.9)
    intervals = [paired_bootstrap(label, new, old, macro_f1_of, seed) for seed in (7, 7, 8)]
    assert intervals[0] == intervals[1] != intervals[2]


def test_macro_f1_when_resamples_lose_a_class():
    label = np.array([0] * 200 + [3] * 2)
    low, high = interval_of(macro_f1_of(resampled_confusions(label, label, 500, seed=0)))
    assert (low, high) == (1.0, 1.0)
