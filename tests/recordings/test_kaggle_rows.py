from __future__ import annotations

from importlib.resources import files

import numpy as np

from components.beats.kaggle import TEST_COUNTS
from components.recordings.archive import MITDB
from components.recordings.kaggle_rows import condense, expand, from_files, kaggle_rows


def test_the_packaged_list_expands_to_kaggles_rows() -> None:
    rows = kaggle_rows()
    assert rows.names == MITDB
    assert len(rows.record) == len(rows.sample) == sum(TEST_COUNTS)
    assert len(set(zip(rows.record.tolist(), rows.sample.tolist(), strict=True))) == sum(TEST_COUNTS)
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


def test_a_list_made_from_files_survives_packing() -> None:
    rows = from_files([("b", 70_000), ("a", 5), ("b", 20)], [b"one\n", b"two\n", b"three\n"])
    again = expand(condense(rows))
    assert again.names == ("a", "b")
    assert again.sample.tolist() == [70_000, 5, 20]
    assert again.record.tolist() == [1, 0, 1]
    assert again.digests == rows.digests
    assert again.digests["b"] != from_files([("b", 20), ("b", 70_000)], [b"one\n", b"three\n"]).digests["b"]
