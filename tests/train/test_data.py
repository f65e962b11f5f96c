"""The beats of a split as matrices on disk."""

from pathlib import Path

import numpy as np
import pytest

from components.beat import SAMPLES
from components.errors import DataRefused
from components.train.data import spool_examples


def test_a_spool_holds_what_the_examples_hold(transformed, tmp_path):
    spool = spool_examples([f"{transformed}/Split-eval/*"], {"clean": "clean", "noisy": "noisy"}, tmp_path / "eval")
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
        spool_examples([f"{tmp_path}/nowhere/*"], {"clean": "clean"}, tmp_path / "none")
