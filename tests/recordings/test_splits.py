from __future__ import annotations

import lzma
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import UsageError
from components.recordings.header import list_records
from components.recordings.splits import (
    DS1,
    DS2,
    MITDB,
    PACED,
    POSITION_BYTES,
    Archive,
    KaggleRows,
    Split,
    choose_split,
    expand,
    is_mitdb,
    kaggle_rows,
)
from components.verdict import SAME_PATIENTS
from tests.recordings.archives import KAGGLE_TEST_COUNTS, write_record

OTHERS = ("s1", "s2", "s3", "s4", "s5")


def mitdb(*exclude: str, prefix: str = "") -> Archive:
    return Archive(Path("mitdb"), MITDB, mitdb=True, prefix=prefix, exclude=exclude)


def folds(archives: list[Archive], count: int) -> list[Split]:
    found = [choose_split(f"patient:fold={fold}/{count}", archives, 0) for fold in range(1, count + 1)]
    assert {split.kind for split in found} == {"record"}
    return found


def test_de_chazals_halves_and_the_paced_records_are_all_of_mitbih() -> None:
    assert len(DS1) == len(DS2) == 22
    assert sorted(DS1 + DS2 + PACED) == sorted(MITDB)


def test_mitbih_is_split_as_kaggle_did_unless_told_otherwise() -> None:
    split = choose_split(None, [mitdb("207")], 0)
    assert split.kind == "kaggle"
    assert split.records == tuple(record for record in MITDB if record != "207")
    assert SAME_PATIENTS["kaggle"].sentence in split.sentences
    masks = split.masks("103", np.array([322111, 322112]))
    assert {side: mask.tolist() for side, mask in masks.items()} == {"train": [False, True], "test": [True, False]}


def test_the_patient_split_says_who_is_on_both_sides_until_one_is_excluded() -> None:
    split = choose_split("patient", [mitdb()], 0)
    assert split.test == frozenset(DS2)
    assert not set(split.records) & set(PACED)
    assert any("202 and 201" in sentence or "201 and 202" in sentence for sentence in split.sentences)
    without = choose_split("patient", [mitdb("202")], 0)
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
            choose_split(f"record:0.{percent:02d}", [Archive(Path("a"), records)], seed)
        return
    split = choose_split(f"record:0.{percent:02d}", [Archive(Path("a"), records)], seed)
    assert 0 < len(split.test) < len(records)
    turned = choose_split(f"record:0.{percent:02d}", [Archive(Path("a"), records[::-1])], seed)
    assert turned.test == split.test


@pytest.mark.parametrize("seed", range(20))
def test_one_person_of_mitbih_stays_on_one_side(seed: int) -> None:
    split = choose_split("record:0.5", [mitdb()], seed)
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
        ("patient:fold=0/5", OTHERS, "K goes from 1 to N"),
        ("patient:fold=6/5", OTHERS, "K goes from 1 to N"),
        ("patient:fold=1/1", OTHERS, "K goes from 1 to N"),
        ("patient:fold=1/6", OTHERS, "5 people cannot be dealt to 6 folds"),
    ],
)
def test_a_split_that_does_not_fit_is_refused(name: str | None, records: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        choose_split(name, [Archive(Path("a"), records)], 0)


def test_folds_put_everyone_into_one_test_file_and_never_touch_ds2() -> None:
    svdb = Archive(Path("svdb"), (*OTHERS, "101"), prefix="svdb/")
    archives = [mitdb("207", prefix="mitdb/"), svdb]
    parts = folds(archives, 5)
    everyone = {f"mitdb/{each}" for each in DS1 if each != "207"} | {f"svdb/{each}" for each in svdb.records}
    assert {tuple(part.records) for part in parts} == {tuple(parts[0].records)}
    assert set(parts[0].records) == everyone
    assert sorted(each for part in parts for each in part.test) == sorted(everyone)
    assert {len(part.test) for part in parts} <= {5, 6}
    assert {sum(each.startswith("svdb/") for each in part.test) for part in parts} <= {1, 2}
    assert [part.test for part in folds(archives, 5)] == [part.test for part in parts]
    assert "DS2 and the paced records are left out" in parts[0].sentences[0]


def test_one_person_is_in_one_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.recordings.splits.SAME_PERSON", {"203": "201"})
    for part in folds([mitdb()], 5):
        assert ("201" in part.test) == ("203" in part.test)


def test_other_archives_are_for_training_in_the_patient_split() -> None:
    split = choose_split("patient", [mitdb(prefix="mitdb/"), Archive(Path("svdb"), OTHERS, prefix="svdb/")], 0)
    assert split.test == {f"mitdb/{each}" for each in DS2}
    assert set(split.records) - split.test == {f"mitdb/{each}" for each in DS1} | {f"svdb/{each}" for each in OTHERS}


@pytest.mark.parametrize("name", [None, "kaggle"])
def test_several_archives_have_no_split_of_their_own(name: str | None) -> None:
    with pytest.raises(UsageError, match=r"--split"):
        choose_split(name, [mitdb(prefix="m/"), Archive(Path("svdb"), OTHERS, prefix="s/")], 0)


def condense(rows: KaggleRows) -> bytes:
    """The packaged form of a list, as it was made once: the inverse of `expand`."""
    planes = [(rows.sample >> (8 * plane)) & 255 for plane in range(POSITION_BYTES)]
    body = np.concatenate([rows.record, *planes]).astype(np.uint8).tobytes()
    head = " ".join(rows.names).encode() + b"\n" + b"".join(rows.digests[name] for name in rows.names)
    return lzma.compress(head + body, preset=9 | lzma.PRESET_EXTREME)


def test_the_packaged_list_expands_to_kaggles_rows() -> None:
    rows = kaggle_rows()
    assert rows.names == MITDB
    assert len(rows.record) == len(rows.sample) == sum(KAGGLE_TEST_COUNTS)
    assert len(set(zip(rows.record.tolist(), rows.sample.tolist(), strict=True))) == sum(KAGGLE_TEST_COUNTS)
    assert (rows.names[rows.record[0]], rows.sample[0]) == ("103", 322111)
    assert (rows.names[rows.record[1]], rows.sample[1]) == ("203", 608260)
    assert rows.sample.max() < 650_000
    assert len(rows.samples_of("114")) == 360
    assert (np.diff(rows.samples_of("114")) > 0).all()
    assert rows.samples_of("900").tolist() == []


def test_the_packaged_list_is_what_its_maker_makes() -> None:
    packed = files("components.recordings").joinpath("kaggle_test_rows.xz").read_bytes()
    assert len(packed) < 100_000
    assert condense(expand(packed)) == packed


def test_the_list_comes_with_its_attribution() -> None:
    text = files("components.recordings").joinpath("kaggle_test_rows.txt").read_text()
    for cited in ("Moody", "Goldberger", "ODC-By", "10.13026/C2F305"):
        assert cited in text


def test_an_expanded_list_is_what_was_packed() -> None:
    digests = {"a": b"12345678", "b": b"abcdefgh"}
    rows = KaggleRows(("a", "b"), np.array([1, 0, 1]), np.array([70_000, 5, 20]), digests)
    again = expand(condense(rows))
    assert again.names == ("a", "b")
    assert again.sample.tolist() == [70_000, 5, 20]
    assert again.record.tolist() == [1, 0, 1]
    assert again.digests == digests


def test_mitbih_is_known_by_names_and_lengths(tmp_path: Path) -> None:
    for name in ("100", "101"):
        write_record(tmp_path, name, np.arange(50) % 7)
    assert not is_mitdb(tmp_path, list_records(tmp_path)[0])
    for name in ("100", "101"):
        (tmp_path / f"{name}.hea").write_text(f"{name} 1 360 650000\n{name}.dat 212 200 11 1024 0 0 0 MLII\n")
    assert is_mitdb(tmp_path, list_records(tmp_path)[0])
    (tmp_path / "101.hea").unlink()
    (tmp_path / "RECORDS").write_text("100\n101\n")
    assert is_mitdb(tmp_path, list_records(tmp_path)[0])
