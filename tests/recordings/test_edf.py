"""What is read of EDF, EDF+ and BDF files: against what was written, and against wfdb's own reading where it can."""

from __future__ import annotations

import shutil
import tempfile
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import wfdb
import wfdb.io.convert.edf
from hypothesis import given, settings
from hypothesis import strategies as st

from components.errors import DataRefused
from components.recordings.annotation_files import Answers, annotation_bytes
from components.recordings.annotations import read_annotation_file, read_annotations
from components.recordings.edf import read_edf_annotations
from components.recordings.edf_header import read_edf_file
from components.recordings.header import list_records
from components.recordings.lead import open_lead
from components.recordings.signal import LeadReader
from tests.recordings.archives import simulated, write_record
from tests.recordings.edf_files import RNG, EdfSignal, break_header, signal, write_edf
from tests.recordings.preparing import provenance, run


def read(path: Path, lead: str = "0", edges: tuple[int, ...] = ()) -> np.ndarray:
    """float64[length], mV, read in blocks with these edges."""
    reader = LeadReader(open_lead(path, lead))
    cuts = sorted({0, *(edge % reader.lead.length for edge in edges), reader.lead.length})
    return np.concatenate([reader.millivolts(reader.read(a, b)) for a, b in pairwise(cuts)])


@st.composite
def files(draw: st.DrawFn) -> tuple[list[EdfSignal], str, str, bool, int]:
    """Signals, duration of a data record, kind, whether the annotations come first, bytes of a sample."""
    width = draw(st.sampled_from([2, 3]))
    low, high = -(2 ** (8 * width - 1)), 2 ** (8 * width - 1) - 1
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    records = draw(st.integers(1, 12))
    seconds = draw(st.sampled_from(["1", "0.5", "10", "0.25"]))
    signals = []
    for number in range(draw(st.integers(1, 4))):
        per_record = round(float(draw(st.sampled_from([128, 200, 256, 500])) * float(seconds)))
        physical = draw(st.sampled_from([("-5", "5"), ("3200", "-3200"), ("-0.5", "12.25"), ("0", "1")]))
        digital = draw(st.sampled_from([(str(low), str(high)), ("-2048", "2047"), ("0", "4095")]))
        units = draw(st.sampled_from(["uV", "\u00b5V", "mV", "V", "nV", ""]))
        stored = rng.integers(low, high + 1, per_record * records)
        signals.append(EdfSignal(f"ECG {number}", stored, per_record, units, physical, digital))
    name = "EDF" if width == 2 else "BDF"
    return signals, seconds, draw(st.sampled_from(["", f"{name}+C", f"{name}+D"])), draw(st.booleans()), width


def check_edf(drawn: tuple[list[EdfSignal], str, str, bool, int], edges: list[int]) -> None:
    """Compare every lead of a file with what was written."""
    signals, seconds, kind, first_signal, width = drawn
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "r.EDF" if width == 2 else "r.Bdf")
        write_edf(path, signals, seconds=seconds, kind=kind, first_signal=first_signal)
        assert len(read_edf_file(path).leads) == len(signals)
        for i, each in enumerate(signals):
            lead = open_lead(path, str(i))
            assert (lead.sig_name, lead.fs) == (each.label, each.per_record / Fraction(seconds))
            assert (lead.whole, lead.length, lead.notes) == (True, len(each.stored), ())
            np.testing.assert_allclose(read(path, each.label, tuple(edges)), each.millivolts(), rtol=1e-9, atol=1e-9)


@settings(deadline=None, max_examples=60)
@given(files(), st.lists(st.integers(0, 10_000), max_size=3))
def test_every_lead_is_read_as_written(drawn: tuple[list[EdfSignal], str, str, bool, int], edges: list[int]) -> None:
    check_edf(drawn, edges)


@pytest.mark.parametrize("units", ["uV", "mV"])
def test_wfdb_reads_the_same_samples(tmp_path: Path, units: str) -> None:
    path = write_edf(tmp_path / "r.edf", [signal("ECG I", units=units), signal("ECG II", units=units)])
    theirs = wfdb.io.convert.edf.read_edf(str(path))
    for i in range(2):
        lead = open_lead(path, str(i))
        assert (theirs.sig_name[i], theirs.fs, theirs.units[i]) == (lead.sig_name, lead.fs, units)
        stored = theirs.p_signal[:, i] * theirs.adc_gain[i] + theirs.baseline[i]
        assert np.rint(stored).astype(int).tolist() == LeadReader(lead).read(0, lead.length).tolist()


def test_gaps_stay_gaps(tmp_path: Path) -> None:
    each = signal(per_record=100, records=7)
    onsets = [3.5, 4.5, 5.5, 7.75, 8.75, 20, 21]
    path = write_edf(tmp_path / "r.edf", [each], kind="EDF+D", onsets=onsets)
    lead = open_lead(path, "0")
    assert (lead.whole, lead.length, lead.sig_len, lead.fs) == (False, 1850, 7, 100)
    assert [(part.start, part.length) for part in lead.segments] == [(0, 300), (425, 200), (1650, 200)]
    expected = np.full(1850, np.nan)
    for onset, part in zip(onsets, each.millivolts().reshape(7, 100), strict=True):
        start = round((onset - 3.5) * 100)
        expected[start : start + 100] = part
    np.testing.assert_allclose(read(path, edges=(150, 310, 430, 1700)), expected, rtol=1e-9)
    reader = LeadReader(lead)
    assert [reader.rate.length(1850)] == [last for _, last in list(reader.blocks())[-1:]]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from([0, 0, 0, 0, 1, 0.01, 7.3, 3600]), min_size=1, max_size=40))
def test_every_gap_is_found_wherever_it_is(tmp_path_factory: pytest.TempPathFactory, gaps: list[float]) -> None:
    onsets = np.arange(len(gaps)) + np.cumsum(gaps)
    each = signal(per_record=100, records=len(gaps))
    path = write_edf(tmp_path_factory.mktemp("edf") / "r.edf", [each], kind="EDF+D", onsets=onsets.tolist())
    lead = open_lead(path, "0")
    starts = np.rint((onsets - onsets[0]) * 100).astype(int)
    assert abs(lead.length - starts[-1] - 100) <= 1
    found = np.concatenate([part.start + np.arange(part.length) for part in lead.segments])
    written = (starts[:, None] + np.arange(100)).reshape(-1)
    assert len(found) == len(written)
    assert np.abs(found - written).max() <= 1  # a gap of one sample may be closed, none adds up


def test_clocks_may_be_a_little_off_but_records_may_not_overlap(tmp_path: Path) -> None:
    each = signal(per_record=100, records=5)
    steady = open_lead(write_edf(tmp_path / "a.edf", [each], kind="EDF+D", onsets=[0, 1.004, 1.998, 3, 4.002]), "0")
    assert (steady.whole, steady.length) == (True, 500)
    path = write_edf(tmp_path / "c.edf", [each], kind="EDF+D", onsets=[0, 1, 2, 3, 99_999_999])
    with pytest.raises(DataRefused, match=r"last data record of c\.edf begins 99,999,999 s after the first"):
        open_lead(path, "0")
    for onsets, step in (([0, 1, 1.5, 2.5, 3.5], "0.5"), ([0, 1, 2, 3, 2.5], "-0.5"), ([0, 1, 2, 2, 3], "0")):
        path = write_edf(tmp_path / "b.edf", [each], kind="EDF+D", onsets=onsets)
        with pytest.raises(DataRefused, match=f"data record . of b.edf begins {step} s after the one before"):
            open_lead(path, "0")


def test_folders_may_mix_edf_files_and_wfdb_records(tmp_path: Path) -> None:
    write_record(tmp_path, "b", np.arange(50) % 7)
    for name in ("a.EDF", "ward/c.bdf", "b.edf", "._a.edf"):  # b.edf is what the record b was made from
        write_edf(tmp_path / name, [signal()])
    assert list_records(tmp_path)[0] == ("a.EDF", "b", "ward/c.bdf")
    (tmp_path / "RECORDS").write_text("ward/c.bdf\nb.edf\nb\n")
    assert list_records(tmp_path)[0] == ("ward/c.bdf", "b.edf", "b")


def test_annotations_are_read_from_the_first_data_record_on(tmp_path: Path) -> None:
    texts = ["+7\x14N\x14\0+7.25\x150.1\x14V\x14second text\x14\0", "", "+9.5\x14\u00e9\x14\0"]
    path = write_edf(tmp_path / "a.edf", [signal()], kind="EDF+D", onsets=[6.5, 7.5, 8.5, 9.5], texts=texts)
    assert list(read_edf_annotations(path)) == [(0.5, "N"), (0.75, "V"), (0.75, "second text"), (3, "\u00e9")]
    with pytest.raises(DataRefused, match=r"has no signal EDF Annotations"):
        list(read_edf_annotations(write_edf(tmp_path / "b.edf", [signal()])))


@pytest.mark.parametrize("options", [{"detect": True}, {"split": "none"}])
def test_prepare_makes_the_same_beats_of_edf_as_of_wfdb(tmp_path: Path, options: dict[str, object]) -> None:
    stored, positions, symbols = simulated(seed=3)
    stored = stored[: len(stored) // 360 * 360]
    inside = positions < len(stored)
    stem = write_record(
        tmp_path / "wfdb", "r", stored, positions[inside], list(np.array(symbols)[inside]), fmt="16", names=("ECG",)
    )
    scale = ("-168.96", "158.715")  # 200 units a mV, 1024 at 0, as in the record
    each = EdfSignal("ECG", stored.astype(np.int64), 360, "mV", scale)
    path = write_edf(tmp_path / "edf" / "r.edf", [signal("SpO2", 1, len(stored) // 360, units="%"), each], kind="EDF+C")
    shutil.copy(stem.with_suffix(".atr"), f"{path}.atr")
    run(tmp_path / "wfdb", tmp_path / "a", **options)
    for number, place in enumerate((path.parent, path, path.parent / "*.edf")):
        out = tmp_path / f"b{number}"
        run(place, out, lead="ECG", **options)
        assert (out / "beats.csv").read_bytes() == (tmp_path / "a" / "beats.csv").read_bytes()
        assert {row["record"] for row in provenance(out / "beats_provenance.csv")} == {"r.edf"}


def test_a_broken_edf_file_costs_no_other_recording(tmp_path: Path) -> None:
    write_record(tmp_path / "in", "b", simulated(seed=3)[0])
    write_edf(tmp_path / "in" / "a.edf", [signal()], records=99)
    (tmp_path / "in" / "c.bdf").write_bytes(b"no header")
    with pytest.raises(DataRefused) as caught:
        run(tmp_path / "in", tmp_path / "out", detect=True)
    assert caught.value.sentences[0].startswith("Record a.edf: a.edf is truncated or its header wrong about its length")
    assert caught.value.sentences[1].startswith("Record c.bdf: c.bdf is no EDF or BDF file: it begins with b'no head")
    assert run(tmp_path / "in", tmp_path / "out", detect=True, skip_bad=True).counts_of.keys() == {"b"}


def test_a_recording_in_one_long_data_record_is_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    each = signal(per_record=7201, records=1)
    path = write_edf(tmp_path / "r.edf", [each, signal("ECG V", 3600, 1)], seconds="3600")
    monkeypatch.setattr("components.recordings.signal.BLOCK_SAMPLES", 1000)
    monkeypatch.setattr("components.recordings.lead.FS_RANGE", (1, 1000))
    reader = LeadReader(open_lead(path, "0"))
    assert len(list(reader.blocks())) == 11
    np.testing.assert_allclose(read(path, edges=(1000, 3333)), each.millivolts(), rtol=1e-9)


@pytest.mark.parametrize("kind", ["EDF+C", "EDF+D"])
def test_annotations_written_as_edf_are_read_back_as_those_of_a_recording(tmp_path: Path, kind: str) -> None:
    onsets = [i * 1.5 if kind == "EDF+D" else i for i in range(40)]
    path = write_edf(tmp_path / "r.edf", [signal(records=40)], kind=kind, onsets=onsets)
    lead = open_lead(path, "0")
    positions = np.unique(RNG.integers(1, lead.length, 100))
    symbols = RNG.choice(list("NSVFQ|?"), len(positions))
    notes = ["flat window" if symbol == "|" else "" for symbol in symbols]
    answers = Answers("r.edf", lead.fs, lead.length, positions, symbols, notes, "Heartbeat, model abc")
    (tmp_path / "r.edf.edf").write_bytes(annotation_bytes("edf", answers))
    (tmp_path / "r.edf.pred").write_bytes(annotation_bytes("pred", answers))
    for extension in ("edf", "pred"):
        read_back = read_annotations(path, extension, lead)
        chosen = read_back.symbol != '"'
        assert read_back.sample[chosen].tolist() == positions.tolist()
        assert read_back.symbol[chosen].tolist() == symbols.tolist()
    edf, wfdb_file = (read_annotation_file(tmp_path / f"r.edf.{extension}") for extension in ("edf", "pred"))
    assert (edf.symbol.tolist(), edf.aux) == (wfdb_file.symbol.tolist(), wfdb_file.aux)


def test_an_edf_file_may_hold_its_own_beats(tmp_path: Path) -> None:
    texts = [
        "",
        "+1.2\x14N\x14\0+1.1\x14V\x14\0",
        "+2\x14A patient coughs\x14\0+2.5\x14| noise\x14\0",
        "+3.999\x14/\x14\0",
    ]
    path = write_edf(tmp_path / "r.edf", [signal()], kind="EDF+C", texts=texts)
    read_back = read_annotations(path, "edf", open_lead(path, "0"))
    assert read_back.sample.tolist() == [275, 300, 500, 625, 999]
    assert read_back.symbol.tolist() == ["V", "N", '"', "|", "/"]
    assert read_annotation_file(path).aux == ("", "", "A patient coughs", "noise", "")
    with pytest.raises(DataRefused, match=r"its annotations r\.edf\.atr are missing"):
        read_annotations(path, "atr", open_lead(path, "0"))


def test_annotations_of_wfdb_that_note_no_rate_count_samples_of_the_fastest_signal(tmp_path: Path) -> None:
    path = write_edf(tmp_path / "r.edf", [signal(), signal("ECG V", 500)])
    wfdb.wrann("r", "qrs", np.array([100, 1500]), ["N", "N"], write_dir=str(tmp_path))
    (tmp_path / "r.qrs").rename(tmp_path / "r.edf.qrs")
    assert read_annotations(path, "qrs", open_lead(path, "0")).sample.tolist() == [50, 750]


def test_ecg_before_the_name_of_a_lead_may_be_left_out(tmp_path: Path) -> None:
    path = write_edf(tmp_path / "r.edf", [signal("EEG Fpz-Cz"), signal("ECG V1"), signal("ECG 1"), signal("V1")])
    assert [open_lead(path, lead).sig_name for lead in ("ecg v1", "V1", "1", "ECG 1")] == [
        "ECG V1", "V1", "ECG V1", "ECG 1",
    ]  # fmt: skip
    path = write_edf(tmp_path / "s.edf", [signal("ECG I"), signal("ECG II")])
    assert open_lead(path, "ii").sig_name == "ECG II"


@pytest.mark.parametrize(("kind", "first"), [("", 0.0), ("EDF+C", 0.25), ("EDF+D", 0.75)])
def test_annotations_as_edf_begin_when_the_recording_does(tmp_path: Path, kind: str, first: float) -> None:
    path = write_edf(tmp_path / "r.edf", [signal()], kind=kind, onsets=[first + i for i in range(4)])
    lead = open_lead(path, "0")
    assert lead.start == datetime(2003, 2, 1, 4, 5, 6, round(first * 1e6))
    answers = Answers("r.edf", lead.fs, lead.length, np.array([125]), np.array(["N"]), start=lead.start)
    written = tmp_path / "r.edf.edf"
    written.write_bytes(annotation_bytes("edf", answers))
    content = written.read_bytes()
    assert content[88:184].split() == [
        b"Startdate", b"01-FEB-2003", b"r.edf", b"X", b"Heartbeat", b"01.02.0304.05.06",
    ]  # fmt: skip
    assert f"+{0.5 + first:.6f}\x14N".encode() in content
    assert read_annotations(path, "edf", lead).sample.tolist() == [125]
    late = write_edf(tmp_path / "late.edf", [signal()], kind="EDF+C", onsets=[1e300] * 4, annotation_bytes=200)
    assert open_lead(late, "0").start == datetime(2003, 2, 1, 4, 5, 6)
    break_header(path, 168, b"unknown.at.all..")
    assert open_lead(path, "0").start is None
