"""The section that tells record by record how a model does."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from components.evaluate.judge import judge_records
from components.report.content import Table, Words
from components.report.results import records


def test_each_record_has_a_row_and_all_n_one_beside_the_model() -> None:
    label = np.tile([0, 0, 0, 2, 1], 6)
    predicted = np.where(np.arange(30) % 7 == 0, 0, label)
    judged = judge_records(label, predicted, [f"r{row // 10}" for row in range(30)], resamples=200, seed=1)
    _, together, difference, each = records(SimpleNamespace(judgement={"by_record": judged}))
    assert isinstance(together, Table)
    assert isinstance(each, Table)
    assert [row[0] for row in together.rows] == ["model", "every beat called N"]
    assert together.rows[1][1].startswith("60.00")
    assert [row[0] for row in each.rows] == ["r0", "r1", "r2"]
    assert each.rows[0][:5] == ["r0", "10", "6", "2", "2"]
    assert {len(row) for row in each.rows} == {len(each.head)}
    assert {len(row) for row in together.rows} == {len(together.head)}
    low, high = judged["difference"]["accuracy"]
    assert f"{low:.3f} to {high:.3f}" in difference.text


def test_other_splits_are_not_judged_by_record() -> None:
    [words] = records(SimpleNamespace(judgement={}))
    assert isinstance(words, Words)
    assert "not known to be new" in words.text
