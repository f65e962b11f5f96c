"""Headers of EDF and BDF files, right and wrong, and files that are longer or shorter than they say."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from components.errors import DataRefused
from components.recordings.edf_header import read_edf_file
from components.recordings.lead import open_lead
from components.recordings.lead_names import NoSignal
from components.recordings.signal import LeadReader
from tests.recordings.edf_files import break_header, signal, write_edf


def test_a_header_says_what_signals_there_are_and_how_many_data_records_of_what_length(tmp_path: Path) -> None:
    path = write_edf(tmp_path / "r.edf", [signal(), signal("SpO2", 2, units="%")], seconds="0.5", kind="EDF+C")
    edf = read_edf_file(path)
    assert (edf.frame_fs, edf.records, edf.leads) == (2, 4, (0, 1))
    assert [(edf.signals[i].sig_name, edf.signals[i].samps_per_frame, edf.signals[i].units) for i in edf.leads] == [
        ("ECG II", 250, "uV"),
        ("SpO2", 2, "%"),
    ]
    with pytest.raises(DataRefused, match="lead SpO2 is in %, not in volts; choose an ECG lead with --lead: ECG II"):
        open_lead(path, "SpO2")
    assert open_lead(path, "ecg ii").tick_fs == 500


@pytest.mark.parametrize(
    ("records", "cut", "extra", "note"),
    [
        (-1, 0, b"", r"does not say how many data records it has.*it is read to its end \(4\)"),
        (-1, 0, b"\0" * 99, r"read to its end \(4\)"),
        (4, 10, b"", r"r\.edf is one data record shorter than its header says \(4\)"),
        (5, 0, b"", r"one data record shorter than its header says \(5\)"),
        (4, 0, b"\0" * 12345, r"r\.edf has 12,345 bytes after its last data record; they are not read"),
    ],
)
def test_files_that_end_elsewhere_are_read_as_far_as_they_go(
    tmp_path: Path, records: int, cut: int, extra: bytes, note: str
) -> None:
    each = signal()
    path = write_edf(tmp_path / "r.edf", [each], records=records, extra=extra)
    path.write_bytes(path.read_bytes()[: -cut or None])
    lead = open_lead(path, "0")
    assert len(lead.notes) == 1
    assert re.search(note, lead.notes[0])
    reader = LeadReader(lead)
    np.testing.assert_allclose(
        reader.millivolts(reader.read(0, lead.length)), each.millivolts()[: lead.length], rtol=1e-9
    )
    assert lead.length == (750 if cut else 1000)


@pytest.mark.parametrize(
    ("start", "text", "said"),
    [
        (0, b"EDF     ", r"r\.edf is no EDF or BDF file: it begins with b'EDF     '"),
        (184, b"300     ", r"says that it has 2 signals and 300 bytes; each signal takes 256 bytes"),
        (252, b"two ", r"has 'two' for the number of signals"),
        (236, b"9       ", r"the header says 9 data records, the file holds 4"),
        (236, b"0       ", r"r\.edf holds no whole data record"),
        (236, b"-2      ", r"says that it has -2 data records of '1' s"),
        (244, b"0       ", r"says that its data records last 0 s, so it has no rate"),
        (244, b"one     ", r"4 data records of 'one' s"),
        (244, b"1e99999 ", r"4 data records of '1e99999' s"),
        (256 + 2 * 104, b"1e-99999", r"lead ECG II has no scale"),
        (256 + 2 * 216, b"0       ", r"says that a data record has 0 samples of 'ECG II'"),
        (256 + 2 * 216, b"x       ", r"has 'x' for the number of samples of 'ECG II' in a data record"),
        (256 + 2 * 104, b"3276.7  ", r"lead ECG II has no scale"),
        (256 + 2 * 120, b"?       ", r"lead ECG II has no scale"),
    ],
)
def test_a_broken_header_is_refused_with_what_it_says(tmp_path: Path, start: int, text: bytes, said: str) -> None:
    path = write_edf(tmp_path / "r.edf", [signal(), signal("ECG V")])
    break_header(path, start, text)
    with pytest.raises(DataRefused, match=said):
        open_lead(path, "0")


def test_what_is_wrong_with_one_lead_costs_no_other(tmp_path: Path) -> None:
    path = write_edf(tmp_path / "r.edf", [signal("marker", physical=("", "")), signal("ECG V")])
    assert open_lead(path, "ECG V").length == 1000


def test_files_without_samples_or_times_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NoSignal, match="it holds annotations only"):
        open_lead(write_edf(tmp_path / "a.edf", [], kind="EDF+C", texts=["", ""]), "0")
    with pytest.raises(NoSignal, match="no voltage: its signals are in %"):
        open_lead(write_edf(tmp_path / "b.edf", [signal(units="%")]), "0")
    path = write_edf(tmp_path / "c.edf", [signal()])
    break_header(path, 192, b"EDF+D")
    with pytest.raises(DataRefused, match=r"c\.edf is EDF\+D, but has no signal EDF Annotations"):
        open_lead(path, "0")
    path = write_edf(tmp_path / "d.edf", [signal()], kind="EDF+D")
    content = path.read_bytes().replace(b"+3\x14\x14", b"late")
    path.write_bytes(content)
    with pytest.raises(DataRefused, match=r"data record 3 of d\.edf does not say when it begins.*b'late"):
        open_lead(path, "0")
    path.write_bytes(content[:700])
    with pytest.raises(DataRefused, match=r"d\.edf ends within its header"):
        open_lead(path, "0")
    with pytest.raises(DataRefused, match=r"its file e\.edf is missing"):
        open_lead(tmp_path / "e.edf", "0")
