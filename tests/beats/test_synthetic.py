from __future__ import annotations

import csv
import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pytest

from components.beat import CLASSES, COLUMNS
from components.beats.synthetic import DEFAULT_SEED, demo_files, write_demo_set
from components.errors import UsageError


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return demo_files(seed=DEFAULT_SEED)


def rows(content: bytes) -> np.ndarray:
    return np.loadtxt(io.BytesIO(content), delimiter=",")


def provenance(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_every_class_can_be_judged_and_normal_beats_lead(files: dict[str, bytes]) -> None:
    for name, at_least in (("mitbih_train.csv", 120), ("mitbih_test.csv", 40)):
        counts = np.bincount(rows(files[name])[:, -1].astype(int), minlength=len(CLASSES))
        assert counts.min() >= at_least
        assert 0.6 < counts[0] / counts.sum() < 0.85


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_other_seeds_hold_every_class_too(seed: int) -> None:
    counts = np.bincount([int(row["label"]) for row in provenance(demo_files(seed)["mitbih_test_provenance.csv"])])
    assert counts.min() >= 40


def test_rows_are_beats(files: dict[str, bytes]) -> None:
    for name in ("mitbih_train.csv", "mitbih_test.csv"):
        values = rows(files[name])
        assert values.shape[1] == COLUMNS
        assert values.min() == 0.0
        assert (values[:, :-1].max(axis=1) > 0.5).all()
        assert len(np.unique(values, axis=0)) == len(values)
        padding = (values[:, :-1] == 0)[:, ::-1].cumprod(axis=1).sum(axis=1)
        assert 40 < np.median(padding) < 110


def test_no_patient_is_on_both_sides(files: dict[str, bytes]) -> None:
    train = provenance(files["mitbih_train_provenance.csv"])
    test = provenance(files["mitbih_test_provenance.csv"])
    assert {row["record"] for row in train}.isdisjoint(row["record"] for row in test)
    assert len({row["record"] for row in train + test}) == 40
    assert 5500 < len(train + test) < 6500
    for side, name in ((train, "mitbih_train.csv"), (test, "mitbih_test.csv")):
        assert [int(row["label"]) for row in side] == rows(files[name])[:, -1].astype(int).tolist()


def test_neighbours_do_not_tell_the_classes_apart_wholly(files: dict[str, bytes]) -> None:
    train, test = rows(files["mitbih_train.csv"]), rows(files["mitbih_test.csv"])
    distance = (train[:, :-1] ** 2).sum(axis=1) - 2 * test[:, :-1] @ train[:, :-1].T
    nearest = train[distance.argmin(axis=1), -1]
    right = nearest == test[:, -1]
    assert 0.8 < right.mean() < 0.97
    assert all(right[test[:, -1] == label].mean() > 0.2 for label in range(len(CLASSES)))


def test_the_same_seed_gives_the_same_bytes(files: dict[str, bytes]) -> None:
    assert demo_files(seed=DEFAULT_SEED) == files
    assert demo_files(seed=2)["mitbih_test.csv"] != files["mitbih_test.csv"]


def test_a_complete_folder_is_left_alone_and_a_broken_one_is_mended(tmp_path: Path, files: dict[str, bytes]) -> None:
    write_demo_set(tmp_path, seed=DEFAULT_SEED)
    assert {path.name for path in tmp_path.iterdir()} == {*files, "SYNTHETIC.txt"}
    said = (tmp_path / "SYNTHETIC.txt").read_text()
    assert said.startswith("SYNTHETIC")
    assert hashlib.sha256(files["mitbih_test.csv"]).hexdigest() in said
    os.utime(tmp_path / "mitbih_train.csv", (1, 1))
    write_demo_set(tmp_path, seed=DEFAULT_SEED)
    assert (tmp_path / "mitbih_train.csv").stat().st_mtime == 1

    (tmp_path / "mitbih_test.csv").unlink()
    write_demo_set(tmp_path, seed=DEFAULT_SEED)
    assert (tmp_path / "mitbih_test.csv").read_bytes() == files["mitbih_test.csv"]
    write_demo_set(tmp_path, seed=2)
    assert (tmp_path / "mitbih_test.csv").read_bytes() != files["mitbih_test.csv"]


def test_real_files_are_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mitbih_train.csv").write_bytes(b"somebody's beats\n")
    with pytest.raises(UsageError, match=r"mitbih_train\.csv is not a file of the synthetic demo set"):
        write_demo_set(tmp_path)
    assert (tmp_path / "mitbih_train.csv").read_bytes() == b"somebody's beats\n"
    assert len(list(tmp_path.iterdir())) == 1
