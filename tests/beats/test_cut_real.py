"""The cutting rule on the MIT-BIH records themselves."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import wfdb

from components.beats.cut import cut

RECORD_100_ROWS = "9909dd65266c220f91670db5edff8e272456c6ad41ff80bd8784017c5d4b37ea"
"""SHA-256 of its rows as float32, from a second program that shares no code with this one."""


@pytest.mark.real
def test_record_100_is_cut_as_kaggle_cut_it() -> None:
    name = str(Path(os.environ["HEARTBEAT_MITDB"]) / "100")
    record = wfdb.rdrecord(name, physical=False, channels=[0])
    annotation = wfdb.rdann(name, "atr")
    beats, counts = cut(record.d_signal[:, 0], annotation.sample, annotation.symbol)
    assert (counts.rows, counts.unknown, counts.flat) == (2272, {"+": 1}, ())
    assert np.bincount(beats.label).tolist() == [2238, 33, 1]
    assert hashlib.sha256(beats.signal.tobytes()).hexdigest() == RECORD_100_ROWS
