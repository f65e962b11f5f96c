"""`prepare` on beats that are annotated at one sample, or nearer than a heart beats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from pipeline.commands.prepare import count_lines
from tests.recordings.archives import simulated, write_record
from tests.recordings.preparing import run


def test_beats_annotated_twice_at_one_sample_give_the_rows_of_one_and_are_counted(tmp_path: Path) -> None:
    signal, positions, symbols = simulated(seed=6, beats=60)
    write_record(tmp_path / "one", "r", signal, positions, symbols)
    write_record(tmp_path / "two", "r", signal, np.repeat(positions, 2), np.repeat(symbols, 2).tolist())
    once = run(tmp_path / "one", tmp_path / "once", split="none", format="parquet")
    twice = run(tmp_path / "two", tmp_path / "twice", split="none", format="parquet")
    rows, again = (pq.read_table(tmp_path / name / "beats.parquet").drop(["archive"]) for name in ("once", "twice"))
    assert again.equals(rows)
    assert twice.counts_of["r"].doubled == tuple(positions.tolist())
    assert twice.counts.annotations == twice.counts.rows + twice.counts.last + len(positions)
    assert ", 60 beats at one sample with another" in count_lines(twice)[0]
    assert twice.sentences == once.sentences


def test_beats_nearer_than_a_heart_beats_are_warned_of(tmp_path: Path) -> None:
    signal, positions, symbols = simulated(seed=6, beats=60)
    around = (positions[:, None] + [0, 1, 2]).reshape(-1)
    write_record(tmp_path / "archive", "r", signal, around, np.repeat(symbols, 3).tolist())
    report = run(tmp_path / "archive", tmp_path / "out", split="none")
    said = "Warning: 120 beats of 1 record lie within 0.1 s of the one before, nearer than a heart beats (r 120)"
    assert any(sentence.startswith(said) for sentence in report.sentences)
