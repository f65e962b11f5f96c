from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import UsageError
from components.recordings.archive import MITDB
from components.recordings.splits import DS1, DS2, PACED, KaggleSplit, RecordSplit, choose_split

OTHERS = ("s1", "s2", "s3", "s4", "s5")


def test_de_chazals_halves_and_the_paced_records_are_all_of_mitbih() -> None:
    assert len(DS1) == len(DS2) == 22
    assert sorted(DS1 + DS2 + PACED) == sorted(MITDB)


def test_mitbih_is_split_as_kaggle_did_unless_told_otherwise() -> None:
    split = choose_split(None, MITDB, ("207",), 0)
    assert isinstance(split, KaggleSplit)
    assert split.records == tuple(record for record in MITDB if record != "207")
    assert any("one patient are on both sides" in sentence for sentence in split.sentences)
    assert split.in_test("103", np.array([322111, 322112])).tolist() == [True, False]


def test_the_patient_split_says_who_is_on_both_sides_until_one_is_excluded() -> None:
    split = choose_split("patient", MITDB, (), 0)
    assert isinstance(split, RecordSplit)
    assert split.test == frozenset(DS2)
    assert not set(split.records) & set(PACED)
    assert any("202 and 201" in sentence or "201 and 202" in sentence for sentence in split.sentences)
    without = choose_split("patient", MITDB, ("202",), 0)
    assert "202" not in without.records
    assert not any("one person" in sentence for sentence in without.sentences)


@given(
    st.sets(st.text("abcdefgh0123", min_size=1, max_size=4), min_size=2, max_size=40),
    st.integers(1, 99),
    st.integers(0, 1000),
)
def test_a_record_split_puts_some_on_each_side_and_depends_on_names_only(
    names: set[str], percent: int, seed: int
) -> None:
    records = tuple(sorted(names))
    if max(1, round(percent / 100 * len(records))) == len(records):
        with pytest.raises(UsageError, match="cannot be split"):
            choose_split(f"record:0.{percent:02d}", records, (), seed)
        return
    split = choose_split(f"record:0.{percent:02d}", records, (), seed)
    assert isinstance(split, RecordSplit)
    assert 0 < len(split.test) < len(records)
    turned = choose_split(f"record:0.{percent:02d}", records[::-1], (), seed)
    assert isinstance(turned, RecordSplit)
    assert turned.test == split.test


@pytest.mark.parametrize("seed", range(20))
def test_one_person_of_mitbih_stays_on_one_side(seed: int) -> None:
    split = choose_split("record:0.5", MITDB, (), seed)
    assert isinstance(split, RecordSplit)
    assert ("201" in split.test) == ("202" in split.test)


@pytest.mark.parametrize(
    ("name", "records", "said"),
    [
        (None, OTHERS, "say how to split them"),
        ("kaggle", OTHERS, "for the records of MIT-BIH"),
        ("patient", OTHERS, "for the records of MIT-BIH"),
        ("record:1.5", OTHERS, "is not known"),
        ("record:0", OTHERS, "is not known"),
        ("beats:0.2", OTHERS, "is not known"),
        ("record:0.2", ("one",), "cannot be split"),
    ],
)
def test_a_split_that_does_not_fit_is_refused(name: str | None, records: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        choose_split(name, records, (), 0)
