"""Weights that give the eval split the train beats' share of hard ones, on beats whose neighbours are known."""

import numpy as np
import pytest

from components.beat import SAMPLES
from components.train import poststratify
from components.train.data import Spool
from components.train.poststratify import post_stratify, strata_weights


def beats(label: list[int], place: list[float]) -> Spool:
    """Beats on a line: the nearest is the one at the nearest place."""
    clean = np.zeros((len(place), SAMPLES), np.float32)
    clean[:, 0] = place
    return Spool({"clean": clean}, np.array(label, np.int64))


def test_hard_beats_count_as_often_as_they_are_met_in_training():
    # Train: of class 0, pairs far from all else, and two beats that sit beside a beat of class 1, which sits alone.
    train = beats([0] * 6 + [1] * 2, [0.0, 0.01, 0.1, 0.11, 0.5, 0.8, 0.501, 0.801])
    validation = beats([0] * 5 + [1], [0.0, 0.01, 0.1, 0.11, 0.502, 0.5])
    weight = post_stratify(train, validation, seed=1)
    hard = np.array([False, False, False, False, True, True])
    # Class 0: 2 of 6 train beats are hard, 1 of 5 here; it is 6 of 8 there and 5 of 6 here. Class 1: all hard, 2 of 8.
    assert weight[hard] == pytest.approx([(2 / 8) / (1 / 6), (2 / 8) / (1 / 6)])
    assert weight[~hard] == pytest.approx([(4 / 8) / (4 / 6)] * 4)
    assert weight.mean() == pytest.approx(1)


def test_a_class_without_hard_beats_here_is_taken_whole():
    label, hard = np.array([0, 0, 1, 1]), np.array([False, False, True, False])
    weight = strata_weights(np.array([0, 0, 0, 1]), np.array([True, False, False, False]), label, hard)
    assert weight == pytest.approx([1.5, 1.5, 0.0, 1.0])


def test_a_train_split_like_the_eval_split_changes_nothing():
    rng = np.random.default_rng(3)
    label, hard = rng.integers(0, 5, 400), rng.random(400) < 0.1
    assert strata_weights(np.tile(label, 3), np.tile(hard, 3), label, hard) == pytest.approx(np.ones(400))


def test_a_large_eval_split_is_left_as_it_is(monkeypatch):
    monkeypatch.setattr(poststratify, "LARGE", 3)
    many = beats([0, 0, 1, 1], [0.0, 0.1, 0.2, 0.21])
    assert (post_stratify(many, many, seed=1) == 1).all()


def test_whole_records_that_are_harder_than_train_beats_among_their_own_stay_as_they_are():
    train = beats([0, 0, 0, 1, 1, 1], [0.0, 0.01, 0.02, 0.5, 0.51, 0.52])
    assert (post_stratify(train, beats([1, 0, 0, 0], [0.2, 0.21, 0.22, 0.23]), seed=1) == 1).all()


def test_only_so_many_train_beats_are_looked_at_a_block_at_a_time(monkeypatch):
    monkeypatch.setattr(poststratify, "NEIGHBOURS", 40)
    monkeypatch.setattr(poststratify, "_BLOCK", 7)
    seen = []

    def watched(wanted, among, label, itself=False):
        seen.append((len(wanted), len(among), itself))
        return nearest(wanted, among, label, itself)

    nearest = poststratify._nearest
    monkeypatch.setattr(poststratify, "_nearest", watched)
    rng = np.random.default_rng(4)
    place = rng.random(200)
    train = beats(((place * 10).astype(int) % 2).tolist(), place.tolist())
    easy = np.array([0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95])
    weight = post_stratify(train, beats([0, 1] * 5, easy.tolist()), seed=2)
    assert seen == [(40, 40, True), (10, 40, False)]
    assert weight == pytest.approx(np.where(np.arange(10) % 2, weight[1], weight[0]))  # none is hard: by class alone
