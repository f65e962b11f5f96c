"""A recording from its headers to its cut beats, in blocks: the same beats in blocks of any size, all accounted for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components.beat import SYMBOL_TO_LABEL
from components.beats.cut import CutBeats
from components.errors import DataRefused
from components.recordings import signal as signal_module
from components.recordings.annotations import Annotations, read_annotations
from components.recordings.detect import find_beats
from components.recordings.header import list_records
from components.recordings.lead import open_lead
from components.recordings.lead_beats import LeadBeats, cut_together
from components.recordings.signal import LeadReader
from tests.recordings.archives import at_rate, edit_header, simulated, write_record


@pytest.fixture(params=[360, 250])
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A folder of one annotated record, at 360 Hz and at another rate."""
    fs = request.param
    signal, positions, symbols = simulated(seed=8, beats=150)
    symbols[7] = "+"
    write_record(tmp_path, "r", at_rate(signal, fs), positions * fs // 360, symbols, fs=fs, fmt="16")
    return tmp_path


def cut_all(folder: Path, *, detect: bool) -> tuple[LeadBeats, Annotations, list[CutBeats]]:
    [name], _ = list_records(folder)
    lead = open_lead(folder / name, "MLII")
    reader = LeadReader(lead)
    annotations = find_beats([reader])[0][0] if detect else read_annotations(folder / name, "atr", lead)
    beats = LeadBeats(reader, annotations, SYMBOL_TO_LABEL)
    shares, blocks = zip(*beats.blocks(), strict=True)
    assert sum(shares) == pytest.approx(1)
    return beats, annotations, list(blocks)


@pytest.mark.parametrize("detect", [False, True])
def test_blocks_of_any_size_hold_the_same_beats_and_every_annotation_is_accounted_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch, detect: bool
) -> None:
    beats, annotations, [whole] = cut_all(folder, detect=detect)
    monkeypatch.setattr(signal_module, "BLOCK_SECONDS", 20)
    _, again, blocks = cut_all(folder, detect=detect)
    assert len(blocks) > 3
    assert np.array_equal(annotations.sample, again.sample)
    for name in ("signal", "label", "sample", "symbol"):
        assert np.array_equal(np.concatenate([getattr(block, name) for block in blocks]), getattr(whole, name))
    counts = beats.counts()
    assert counts.annotations == len(annotations.sample)
    assert counts.annotations == counts.rows + counts.last + counts.unknown.total()
    assert counts.rows == len(whole) == sum(beats.symbols().values())
    assert counts.unknown == ({} if detect else {"+": 1})


def test_a_wrong_checksum_shows_once_the_lead_was_read(folder: Path) -> None:
    header = (folder / "r.hea").read_text().splitlines()[1]
    checksum = header.split()[6]
    edit_header(folder / "r", f" {checksum} ", f" {int(checksum) ^ 1} ")
    with pytest.raises(DataRefused, match="the checksum of lead MLII in r fails"):
        cut_all(folder, detect=False)


def test_leads_cut_together_give_the_windows_of_each_alone(tmp_path: Path) -> None:
    leads = []
    for seed, (fs, fmt, missing) in enumerate([(360, "16", False), (250, "212", False), (360, "16", True)]):
        signal, positions, symbols = simulated(seed=seed, beats=30)
        signal[3000:3600] = -(2**15) if missing else 1000
        stem = write_record(tmp_path, f"r{seed}", at_rate(signal, fs), positions * fs // 360, symbols, fs=fs, fmt=fmt)
        lead = open_lead(stem, "MLII")
        leads.append(LeadBeats(LeadReader(lead), read_annotations(stem, "atr", lead), SYMBOL_TO_LABEL))
    for lead, (index, values, spread) in zip(leads, cut_together(leads), strict=True):
        [(_, *expected)] = lead.cut()
        assert len(index) > 20
        for one, other in zip((index, values, spread), expected, strict=True):
            assert np.array_equal(one, other, equal_nan=True)
