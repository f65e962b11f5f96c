"""A lead found among the signals of a record and laid out over its segments: the right one, or a sentence."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from components.errors import DataRefused
from components.recordings.lead import open_lead
from components.recordings.lead_names import NoSignal, NoSuchLead
from components.recordings.signal import LeadReader
from tests.recordings.archives import edit_header, write_record


def read(stem: Path, lead: str) -> np.ndarray:
    opened = open_lead(stem, lead)
    reader = LeadReader(opened)
    return reader.millivolts(reader.read(0, opened.length))


def write_segments(folder: Path, names: list[str], per_segment: list[tuple[str, ...]], layout: str = "") -> Path:
    """Segments of 100 samples, whose lead i has the constant i + 10 * number of the segment as mV / 200."""
    lines = []
    for number, (name, leads) in enumerate(zip(names, per_segment, strict=True)):
        if leads:
            signal = np.tile(1024 + np.arange(len(leads)) + 10 * number, (100, 1))
            stem = write_record(folder, name, signal, fmt="16", names=("x0", "x1", "x2"))
            for i, lead in enumerate(leads):  # wfdb does not write two leads of one name
                edit_header(stem, f"x{i}", lead)
        lines.append(f"{name} 100")
    head = f"{layout} 0\n" if layout else ""
    count = len(lines) + bool(layout)
    (folder / "m.hea").write_text(f"m/{count} 2 360 {100 * len(lines)}\n{head}" + "\n".join(lines) + "\n")
    return folder / "m"


def levels(samples: np.ndarray) -> list[float | None]:
    """The value of each run of 100 samples, None where they are missing."""
    assert all(np.unique(run).size == 1 for run in samples.reshape(-1, 100))
    return [None if np.isnan(run[0]) else round(float(run[0]) * 200, 6) for run in samples.reshape(-1, 100)]


def test_a_name_also_finds_the_modified_limb_lead_where_its_own_is_not_there(tmp_path: Path) -> None:
    signal = np.stack([1024 + np.arange(100), 1024 - np.arange(100)], axis=1)
    stem = write_record(tmp_path, "r", signal, names=("V1", "MLII"))
    assert open_lead(stem, "II").sig_name == "MLII"
    assert open_lead(write_record(tmp_path, "s", signal, names=("MLII", "ECG II")), "ii").sig_name == "ECG II"
    with pytest.raises(NoSuchLead, match=r"it has no lead III; its leads are V1, MLII"):
        open_lead(stem, "III")


@pytest.mark.parametrize(
    "name",
    ["ECG1-ECG2", "EKG1", "ECG2", "ECGI", "ECGL-ECGR", "EEG EKG1-REF", "ECG(II)", "EKG.", "ECG+", "Lead II", "II-REF",
     "MCL1", "Ch 1 ECG", "x1-ecg", "CM5", "aVF", "ML5"],
)  # fmt: skip
def test_any_name_of_an_ecg_goes_before_an_eeg(tmp_path: Path, name: str) -> None:
    text = (
        f"r 3 360 100\nr.dat 16 200 12 0 0 0 0 EEG C3-A2\nr.dat 16 200 12 0 0 0 0 EOG\nr.dat 16 200 12 0 0 0 0 {name}\n"
    )
    (tmp_path / "r.dat").write_bytes(bytes(600))
    (tmp_path / "r.hea").write_text(text)
    assert open_lead(tmp_path / "r", None).sig_name == name


@pytest.mark.parametrize("name", ["ECGII", "EKG (II)", "Lead II", "ii-ref", "ECG_II"])
def test_a_lead_is_found_and_preferred_by_its_own_name_however_it_is_spelt(tmp_path: Path, name: str) -> None:
    (tmp_path / "r.dat").write_bytes(bytes(400))
    (tmp_path / "r.hea").write_text(f"r 2 360 100\nr.dat 16 200 12 0 0 0 0 ECG V5\nr.dat 16 200 12 0 0 0 0 {name}\n")
    assert [open_lead(tmp_path / "r", lead).sig_name for lead in ("II", "v5", None)] == [name, "ECG V5", name]


@pytest.mark.parametrize(
    ("units", "gain"),
    [("microvolts", 200_000), ("\u00b5V", 200_000), ("\u00c2\u00b5V", 200_000), ("mVolt", 200), ("millivolts", 200),
     ("V", 0.2), ("Volts", 0.2), ("nV", 2e8)],
)  # fmt: skip
def test_voltage_is_known_by_any_of_its_spellings(tmp_path: Path, units: str, gain: float) -> None:
    (tmp_path / "r.dat").write_bytes(bytes(200))
    (tmp_path / "r.hea").write_text(f"r 1 360 100\nr.dat 16 200/{units} 12 0 0 0 0 II\n", "utf-8")
    assert open_lead(tmp_path / "r", None).segments[0].signal.adc_gain == pytest.approx(gain)


@pytest.mark.parametrize("inner", ["g/1 1 100 100\na 100\n", "g/2 1 100 100\na 50\ng 50\n"])
def test_a_segment_that_has_segments_is_refused_and_no_gap(tmp_path: Path, inner: str) -> None:
    for name in ("a", "b"):
        write_record(tmp_path, name, np.arange(100) % 7, fmt="16")
    (tmp_path / "g.hea").write_text(inner)
    (tmp_path / "f.hea").write_text("f/2 1 360 200\ng 100\nb 100\n")
    with pytest.raises(DataRefused, match="its segment g has segments of its own"):
        open_lead(tmp_path / "f", "0")


def test_of_two_leads_with_one_name_the_index_decides(tmp_path: Path) -> None:
    stem = write_segments(tmp_path, ["a", "b"], [("ECG", "ECG"), ("ECG", "ECG")])
    assert levels(read(stem, "0")) == [0, 10]
    assert levels(read(stem, "1")) == [1, 11]
    with pytest.raises(DataRefused, match=r"2 leads named ecg; give their index with --lead: 0, 1"):
        open_lead(stem, "ecg")
    with pytest.raises(DataRefused, match=r"2 leads named ECG"):
        open_lead(tmp_path / "a", "ECG")
    assert levels(read(tmp_path / "a", "1")) == [1]


def test_a_record_of_segments_begins_when_its_own_header_says(tmp_path: Path) -> None:
    stem = write_segments(tmp_path, ["a", "b"], [("I",), ("I",)])
    assert open_lead(stem, "I").start is None
    edit_header(stem, "360 200", "360 200 1:2:3 4/5/2006")
    assert open_lead(stem, "I").start == datetime(2006, 5, 4, 1, 2, 3)


def test_a_layout_with_two_leads_of_one_name_keeps_their_order(tmp_path: Path) -> None:
    (tmp_path / "l.hea").write_text("l 2 360 0\n~ 0 200/mV 12 0 0 0 0 ECG\n~ 0 200/mV 12 0 0 0 0 ECG\n")
    stem = write_segments(tmp_path, ["a", "b"], [("V1", "ECG", "ECG"), ("ECG", "V1", "ECG")], layout="l")
    assert levels(read(stem, "0")) == [1, 10]
    assert levels(read(stem, "1")) == [2, 12]
    stem = write_segments(tmp_path, ["a", "b"], [("ECG", "ECG"), ("ECG", "V1")], layout="l")
    with pytest.raises(DataRefused, match="segment b has 1 leads named ECG, which cannot be distinguished"):
        open_lead(stem, "0")


def test_segments_whose_leads_change_places_are_refused_without_a_layout(tmp_path: Path) -> None:
    stem = write_segments(tmp_path, ["a", "b"], [("II", "V1"), ("V1", "II")])
    with pytest.raises(DataRefused, match=r"segment b has the leads V1, II: .* must have lead 0 \(II\)"):
        open_lead(stem, "II")


def test_segments_that_hold_nothing_or_are_missing_are_gaps(tmp_path: Path) -> None:
    stem = write_segments(
        tmp_path, ["a", "null", "gone", "b", "gone", "lost"], [("II", "V1"), (), (), ("II", "V1"), (), ("II", "V1")]
    )
    (tmp_path / "null.hea").write_text("null 2 360 100\n* 0 0 0 0 0 0\n* 0 0 0 0 0 0\n\n")
    (tmp_path / "lost.dat").unlink()
    assert levels(read(stem, "V1")) == [1, None, None, 31, None, None]
    assert open_lead(stem, "V1").notes == ("segments that its header lists are missing (gone, lost): 0.8 s are a gap.",)


def test_a_record_of_which_no_segment_is_there_is_refused(tmp_path: Path) -> None:
    stem = write_segments(tmp_path, ["a", "b"], [(), ()])
    with pytest.raises(DataRefused, match="none of the 2 segments that its header lists is there"):
        open_lead(stem, "0")


def test_segments_with_gains_and_units_of_their_own_are_one_lead_in_millivolts(tmp_path: Path) -> None:
    stem = write_segments(tmp_path, ["a", "b"], [("II", "V1"), ("II", "V1")])
    text = (tmp_path / "b.hea").read_text().replace("200.0(1024)/mV", "-0.4(1024)/uV")
    (tmp_path / "b.hea").write_text(text)
    assert levels(read(stem, "II")) == [0, -5]


@pytest.mark.parametrize("gain", ["-200", "-1.5"])
def test_a_negative_gain_turns_the_samples_over(tmp_path: Path, gain: str) -> None:
    signal = 1024 + np.arange(100) % 9
    stem = write_record(tmp_path, "r", signal, fmt="16")
    up = open_lead(stem, "0")
    (tmp_path / "r.hea").write_text((tmp_path / "r.hea").read_text().replace("200.0(1024)", f"{gain}(1024)"))
    down = open_lead(stem, "0")
    assert (LeadReader(down).read(0, 100) == -LeadReader(up).read(0, 100)).all()
    np.testing.assert_allclose(read(stem, "0"), (signal - 1024) / float(gain))


def test_a_file_one_sample_short_is_read_to_its_end_and_one_without_a_length_too(tmp_path: Path) -> None:
    stem = write_record(tmp_path, "r", np.arange(100) % 7, fmt="16")
    text = (tmp_path / "r.hea").read_text()
    (tmp_path / "r.hea").write_text(text.replace("360 100", "360 101"))
    lead = open_lead(stem, "0")
    assert (lead.length, lead.notes) == (
        100,
        ("r.dat is one sample per signal shorter than its header says (101); it is read to its end.",),
    )
    (tmp_path / "r.hea").write_text(text.replace("360 100", "360 102"))
    with pytest.raises(DataRefused, match="truncated"):
        open_lead(stem, "0")
    (tmp_path / "r.hea").write_text(text.replace("360 100", "360"))
    assert open_lead(stem, "0").length == 100


@pytest.mark.parametrize(
    ("header", "refusal", "said"),
    [
        ("r 0 128 0\n", NoSignal, "annotations only, no signal"),
        ("r 1 360 100\nr.dat 16 1/bpm 12 0 0 0 0 HR\n", NoSignal, "no voltage: its signals are in bpm"),
        (
            "r 2 360 50\nr.dat 16 1/mmHg 12 0 0 0 0 ABP\nr.dat 16 200 12 0 0 0 0 II\n",
            DataRefused,
            "lead ABP is in mmHg, not in volts; choose an ECG lead with --lead: II",
        ),
        ("r 1 1 100\nr.dat 16 200 12 0 0 0 0 II\n", DataRefused, "has 1 samples a second; an ECG has 50 to 100,000"),
        ("r 1 360 100\nr.dat 17 200 12 0 0 0 0 II\n", DataRefused, "format 17 of r.dat is not one of WFDB's"),
        ("r 1 360 100\nr.dat 0 200 12 0 0 0 0 II\n", DataRefused, "lead II was not recorded"),
        (
            "r 3 360 33\nr.dat 16 200 12 0 0 0 0 II\nx.dat 16 200 12 0 0 0 0 V1\nr.dat 16 200 12 0 0 0 0 V2\n",
            DataRefused,
            "the signals of r.dat in several places",
        ),
        ("r 1 360 100\nother.dat 16 200 12 0 0 0 0 II\n", DataRefused, "signal file other.dat is missing"),
    ],
)
def test_what_is_no_ecg_or_cannot_be_told_is_refused(
    tmp_path: Path, header: str, refusal: type[DataRefused], said: str
) -> None:
    write_record(tmp_path, "r", np.arange(100) % 7, fmt="16")
    (tmp_path / "r.hea").write_text(header)
    with pytest.raises(refusal, match=said):
        open_lead(tmp_path / "r", "0")


@pytest.mark.parametrize("file_name", ["db/r.dat", "other\\\\r.dat", "/nowhere/r.dat"])
def test_a_path_before_a_signal_file_is_no_obstacle(tmp_path: Path, file_name: str) -> None:
    stem = write_record(tmp_path / "db", "r", np.arange(100) % 7, fmt="16")
    text = stem.with_suffix(".hea").read_text()
    stem.with_suffix(".hea").write_text(text.replace("r.dat", file_name).replace("r 1 ", "db/r 1 ", 1))
    assert open_lead(stem, "0").segments[0].path.resolve() == (tmp_path / "db" / "r.dat").resolve()
