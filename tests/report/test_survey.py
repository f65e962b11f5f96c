from collections.abc import Iterator

import numpy as np
import pytest

from components.beat import Beats
from components.errors import HeartbeatError
from components.report import survey as module
from components.report.survey import KEPT, rows_of, survey
from tests.evaluate.tiny_model import some_beats
from tests.report.made_run import with_records

BEATS = with_records(some_beats(1500))


def cut(beats: Beats, size: int) -> Iterator[Beats]:
    for at in range(0, len(beats), size):
        yield beats.take(np.arange(at, min(at + size, len(beats))))


@pytest.mark.parametrize("size", [7, 500, 5000])
def test_rows_come_in_the_order_asked_for_whatever_the_blocks(size: int) -> None:
    rows = np.array([1400, 3, 3, 700, 0, 1499])
    found = rows_of(cut(BEATS, size), rows)
    np.testing.assert_array_equal(found.signal, BEATS.signal[rows])
    assert found.record == tuple(BEATS.record[row] for row in rows)


def test_a_row_past_the_end_is_an_error() -> None:
    with pytest.raises(HeartbeatError, match=r"1,500 beats; it has no row 1,500"):
        rows_of(cut(BEATS, 400), np.array([2, 1500]))


def test_no_rows_are_no_beats() -> None:
    assert len(rows_of(cut(BEATS, 400), np.empty(0, np.int64))) == 0


@pytest.mark.parametrize("size", [64, 5000])
def test_a_survey_keeps_the_first_beats_of_each_class(size: int) -> None:
    told = survey(cut(BEATS, size))
    np.testing.assert_array_equal(told.label, BEATS.label)
    np.testing.assert_allclose(told.mean, BEATS.signal.mean(axis=0), atol=1e-6)
    for index, kept in enumerate(told.kept):
        rows = np.flatnonzero(BEATS.label == index)[:KEPT]
        np.testing.assert_array_equal(told.rows[index], rows)
        np.testing.assert_array_equal(kept.signal, BEATS.signal[rows])


def test_a_survey_of_a_large_split_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SURVEYED", 250)
    assert len(survey(cut(BEATS, 100)).label) == 300


def test_a_survey_of_nothing_is_empty() -> None:
    told = survey(iter(()))
    assert len(told.label) == 0
    assert [len(kept) for kept in told.kept] == [0] * 5
