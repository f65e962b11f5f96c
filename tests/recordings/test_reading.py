"""What is read of a recording is what its files hold: against the samples written, and against wfdb's own reading."""

from __future__ import annotations

import tempfile
import warnings
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import wfdb
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from components.recordings.annotations import read_annotations
from components.recordings.lead import Lead, open_lead
from components.recordings.signal import LeadReader
from tests.recordings.archives import write_record
from tests.recordings.generated import Recording, recordings, write

MILLIVOLTS = {"v": 1e3, "mv": 1.0, "uv": 1e-3, "\u00b5v": 1e-3, "\u03bcv": 1e-3, "nv": 1e-6}
SYMBOLS = [symbol for symbol in wfdb.io.annotation.ann_label_table["symbol"] if symbol != " "]
GENERATED = settings(
    deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate), suppress_health_check=list(HealthCheck)
)
"""Drawn from seeds, so that shrinking would find nothing simpler."""


def read_in_blocks(lead: Lead, edges: list[int]) -> np.ndarray:
    """float64[length], mV, read in blocks with these edges, checksums compared."""
    reader = LeadReader(lead)
    cuts = [0, *sorted(edge % lead.length for edge in edges), lead.length]
    blocks = [reader.millivolts(reader.read(a, b)) for a, b in pairwise(cuts)]
    samples = np.concatenate(blocks)
    if np.unique(samples).size > 2:
        reader.finish()
    return samples


def check_recording(recording: Recording, edges: list[int]) -> None:
    """Compare every lead of a recording with what was written and with wfdb."""
    with tempfile.TemporaryDirectory() as folder:
        stem = write(recording, Path(folder))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs = wfdb.rdrecord(str(stem), physical=True, smooth_frames=False, return_res=64)
        except (AttributeError, KeyError, TypeError, ValueError):
            assert recording.unread_by_wfdb
            theirs = None
        for i, (_, channel) in enumerate(recording.first.channels):
            lead = open_lead(stem, str(i))
            frame_fs = Fraction(recording.frame_fs.split("/")[0])
            assert (lead.tick_fs, lead.fs) == (frame_fs, frame_fs * channel.samps_per_frame)
            factor = MILLIVOLTS[channel.units.lower()]
            written = recording.physical(i) * factor
            np.testing.assert_allclose(read_in_blocks(lead, edges), written, rtol=1e-9, atol=1e-12)
            if theirs is not None:
                assert theirs.fs == float(frame_fs)
                kept = len(written) - channel.skew * channel.samps_per_frame  # wfdb invents the end of a skewed signal
                signal = theirs.e_p_signal[i] * MILLIVOLTS[theirs.units[i].lower()]
                np.testing.assert_allclose(signal[:kept], written[:kept], rtol=1e-9, atol=1e-12)


@settings(GENERATED, max_examples=60)
@given(recordings(), st.lists(st.integers(0, 1000), max_size=3))
def test_every_lead_is_read_as_written_and_as_wfdb_reads_it(recording: Recording, edges: list[int]) -> None:
    check_recording(recording, edges)


@st.composite
def annotations(draw: st.DrawFn) -> tuple[int, float | None, int, list[int], list[str]]:
    """Frames per second, ticks per second of the file where it notes them, samples in a frame, ticks, symbols."""
    frame_fs = draw(st.sampled_from([1, 128, 250, 360]))
    samps_per_frame = 360 if frame_fs == 1 else draw(st.sampled_from([1, 2, 4]))
    ticks = draw(st.sampled_from([None, None, 360, 1000, 257.5]))
    steps = draw(st.lists(st.one_of(st.integers(0, 400), st.integers(1000, 5000)), max_size=40))
    symbols = draw(st.lists(st.sampled_from(SYMBOLS), min_size=len(steps), max_size=len(steps)))
    positions = 1 + np.cumsum(steps, dtype=int)  # wfdb takes comments at sample 0 for its own
    return frame_fs, ticks, samps_per_frame, positions.tolist(), symbols


def check_annotations(drawn: tuple[int, float | None, int, list[int], list[str]]) -> None:
    """Compare what is read of an annotation file with what was written and with wfdb."""
    frame_fs, ticks, samps_per_frame, positions, symbols = drawn
    if not positions:
        return
    with tempfile.TemporaryDirectory() as folder:
        stem = write_record(Path(folder), "r", np.arange(10) % 7, fmt="16")
        noted = [f"## time resolution: {ticks}"] if ticks else []
        wfdb.wrann(
            "r",
            "atr",
            np.array([0] * len(noted) + positions),
            symbol=['"'] * len(noted) + symbols,
            aux_note=noted + [""] * len(positions),
            write_dir=folder,
        )
        fs, frames = Fraction(frame_fs), 1_000_000
        lead = Lead("II", fs * samps_per_frame, frames * samps_per_frame, frames, fs, (), whole=True)
        ours = read_annotations(stem, "atr", lead)
        theirs = wfdb.rdann(str(stem), "atr")
    assert ours.symbol.tolist() == symbols == theirs.symbol
    assert theirs.sample.tolist() == positions
    exact = [Fraction(p) * frame_fs * samps_per_frame / Fraction(ticks or frame_fs) for p in positions]
    assert all(
        abs(sample - position) <= Fraction(1, 2) for sample, position in zip(ours.sample.tolist(), exact, strict=True)
    )
    assert ours.outside == 0


@settings(GENERATED, max_examples=60)
@given(annotations())
def test_every_annotation_is_read_as_written_and_as_wfdb_reads_it(
    drawn: tuple[int, float | None, int, list[int], list[str]],
) -> None:
    check_annotations(drawn)
