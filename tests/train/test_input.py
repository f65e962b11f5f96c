"""Which beats make an epoch, and in what batches they come."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.beat import SAMPLES
from components.errors import DataRefused
from components.train.augment import Augmentation
from components.train.input import choose_rows, make_batches, row_batches
from components.train.spool import Spool, spool_examples

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
    return [(signal.numpy(), target.numpy()) for signal, target in batches.dataset.take(count)]


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


def test_a_spool_holds_what_the_examples_hold(transformed, tmp_path):
    spool = spool_examples([f"{transformed}/Split-eval/*"], ("clean", "noisy"), tmp_path / "eval")
    assert len(spool) == 80
    assert {name: values.shape for name, values in spool.columns.items()} == {
        "clean": (80, SAMPLES),
        "noisy": (80, SAMPLES),
    }
    assert np.bincount(spool.label).min() > 5
    bump = 20 + 25 * spool.label  # where the class shows
    assert np.abs(spool.columns["clean"].argmax(axis=1) - bump).max() < 12
    assert spool.columns["clean"].max() == 1
    assert spool.columns["noisy"].min() < -0.3


def test_no_examples_are_refused(tmp_path: Path):
    with pytest.raises(DataRefused, match=r"No example in .*nowhere"):
        spool_examples([f"{tmp_path}/nowhere/*"], ("clean",), tmp_path / "none")
