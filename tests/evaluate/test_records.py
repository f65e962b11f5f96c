"""Figures over records, against ones counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from components.beat import confusion_matrix
from components.evaluate.judge import judge_records
from components.evaluate.metrics import all_n, named_f1_of

LABEL = np.array([0, 0, 0, 2, 0, 1, 0, 0, 0, 0])
PREDICTED = np.array([0, 0, 2, 2, 0, 0, 0, 0, 0, 1])
RECORD = ["b", "b", "b", "b", "a", "a", "c", "c", "c", "c"]


@pytest.fixture(scope="module")
def judged():
    return judge_records(LABEL, PREDICTED, RECORD, resamples=2000, seed=3)


def test_each_record_has_its_own_figures_and_those_of_all_n(judged):
    rows = {row["record"]: row for row in judged["records"]}
    assert list(rows) == ["a", "b", "c"]
    assert {name: (row["accuracy"], row["all_n"]) for name, row in rows.items()} == {
        "a": (0.5, 0.5),
        "b": (0.75, 0.75),
        "c": (0.75, 1.0),
    }
    assert rows["b"]["beats"] == [3, 0, 1, 0, 0]
    assert rows["b"]["recall"] == [pytest.approx(2 / 3), None, 1.0, None, None]
    assert rows["b"]["precision"] == [1.0, None, 0.5, None, None]


def test_gross_and_average_figures_are_of_all_beats_and_of_all_records(judged):
    assert judged["model"]["accuracy"] == 0.7
    assert judged["model"]["average"]["accuracy"] == pytest.approx((0.5 + 0.75 + 0.75) / 3)
    assert judged["all_n"]["accuracy"] == 0.8
    assert judged["all_n"]["recall"][:3] == [1.0, 0.0, 0.0]
    f1 = [12 / 15, 0, 2 / 3]  # 2 hits / (true + called)
    assert judged["model"]["named_f1"] == pytest.approx(np.mean(f1))
    assert named_f1_of(all_n(confusion_matrix(LABEL, PREDICTED))) == pytest.approx(16 / 18 / 3)


def test_intervals_are_of_whole_records_drawn_with_replacement(judged):
    for name in ("model", "all_n"):
        figures = judged[name]
        low, high = figures["intervals"]["accuracy"]
        assert low <= figures["accuracy"] <= high
    assert judged["model"]["intervals"]["accuracy"] == (0.5, 0.75)  # nothing but record a, nothing but b and c
    low, high = judged["difference"]["accuracy"]
    assert (low, high) == (-0.25, 0.0)  # nothing but c, nothing but a and b


def test_another_order_of_beats_gives_the_same(judged):
    order = np.random.default_rng(1).permutation(len(LABEL))
    again = judge_records(LABEL[order], PREDICTED[order], [RECORD[i] for i in order], resamples=2000, seed=3)
    assert again == judged
