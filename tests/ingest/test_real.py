"""Ingest of beats cut from the MIT-BIH records."""

import os
from pathlib import Path

import numpy as np
import pytest
import wfdb

from components.beats.cut import cut
from components.ingest.report import gate_ingest
from components.ingest.settings import DataSettings
from components.io.csv_numbers import kaggle_text
from tests.ingest.folder import rejects, run, split_of


@pytest.mark.real
def test_a_records_beats_come_through_to_the_bit(tmp_path):
    name = str(Path(os.environ["HEARTBEAT_MITDB"]) / "208")
    record = wfdb.rdrecord(name, physical=False, channels=[0])
    annotation = wfdb.rdann(name, "atr")
    beats, counts = cut(record.d_signal[:, 0], annotation.sample, annotation.symbol)
    text = kaggle_text(beats.signal, beats.label).tobytes()
    summary = run(tmp_path, mitbih_train__csv=text, mitbih_test__csv=text)
    assert (
        summary.rows["test"] == summary.rows["train"] + summary.rows["eval"] == counts.rows == len(beats.label) > 2000
    )
    assert rejects(tmp_path) == []
    test = split_of(tmp_path, "test")
    np.testing.assert_array_equal(test.signal.view(np.uint32), beats.signal.view(np.uint32))
    np.testing.assert_array_equal(test.label, beats.label)
    warnings = gate_ingest(summary, DataSettings())
    assert {warning.code for warning in warnings} <= {"absent_class"}
