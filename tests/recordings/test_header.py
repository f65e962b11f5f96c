"""Headers by the letter of header(5), and as editors save them, and the folders of records that people have."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from components.errors import DataRefused
from components.recordings.header import Header, Signal, find_records, list_records, read_header
from tests.recordings.archives import write_record

LINE = "r.dat 16 200(1024)/mV 12 1024 995 -22131 0 MLII"


def header(folder: Path, text: str, encoding: str = "utf-8") -> Header:
    (folder / "r.hea").write_bytes(text.encode(encoding))
    return read_header(folder / "r")


def test_every_field_is_read(tmp_path: Path) -> None:
    record = "r 1 360/720(5) 650000 12:00:00 05-May-2020"
    signal = "r.dat 212x4:3+512 -1.5e2(-7)/uV 11 9 -4 -22131 0 ECG lead 1"
    assert header(tmp_path, f"# note\n{record}\n\n{signal}\n") == Header(
        fs=Fraction(360),
        sig_len=650000,
        signals=(Signal("r.dat", "212", 4, 3, 512, -150.0, -7.0, "uV", -4, 65536 - 22131, "ECG lead 1"),),
        segments=(),
        files=("r.dat",),
    )


def test_fields_that_are_left_out_have_the_defaults_of_the_format(tmp_path: Path) -> None:
    read = header(tmp_path, "r 2\nr.dat 16\nr.dat 16 0 12 17\n")
    assert (read.fs, read.sig_len) == (250, 0)
    assert read.signals[0] == Signal("r.dat", "16", 1, 0, 0, 200.0, 0.0, "mV", 0, None, "")
    assert (read.signals[1].adc_gain, read.signals[1].baseline, read.signals[1].init_value) == (200.0, 17.0, 17)
    assert header(tmp_path, "r 1 3.6e2 10\nr.dat 16 MLII\n").signals[0].sig_name == "MLII"


@pytest.mark.parametrize("gain", ["+200(+1024)/mV", "200.0(1024)/mV", "2e2(1024.0)/mV", "200.(1024)/mV"])
def test_every_form_of_a_number_is_read(tmp_path: Path, gain: str) -> None:
    read = header(tmp_path, f"r 1 +360.0 10\nr.dat 16 {gain} 12 0 0 0 0 MLII\n")
    assert read.fs == 360
    assert (read.signals[0].adc_gain, read.signals[0].baseline, read.signals[0].units) == (200.0, 1024.0, "mV")


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("10:9:8.25 29/02/2024", datetime(2024, 2, 29, 10, 9, 8, 250_000)),
        ("23:59:59 1/12/1989", datetime(1989, 12, 1, 23, 59, 59)),
        ("10:09:08", None),
        ("10:09:08 30/02/2024", None),
        ("25:09:08 28/02/2024", None),
        ("at noon", None),
    ],
)
def test_a_record_begins_when_its_header_says_time_and_date(tmp_path: Path, text: str, start: datetime | None) -> None:
    assert header(tmp_path, f"r 1 360 650000 {text}\nr.dat 212\n").start == start


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_byte_order_marks_and_line_ends_are_no_part_of_a_header(tmp_path: Path, encoding: str, end: str) -> None:
    read = header(tmp_path, f"r 1 360 10{end}r.dat 16 200/\u00b5V 12 0 0 0 0 \u00c9CG{end}{end}", encoding)
    assert (read.fs, read.signals[0].units, read.signals[0].sig_name) == (360, "\u00b5V", "\u00c9CG")


@pytest.mark.parametrize(
    ("record_line", "lines", "segments"),
    [
        ("db/r 1 360 10", [LINE], 0),
        ("db/100 1 360 10", [LINE], 0),
        ("db/2 2 360 10", [LINE, LINE], 0),
        ("r/2 1 360 20", ["a 10", "~ 10"], 2),
        ("r/1 1 360 10", ["a 10"], 1),
        ("db/r/2 2 360 20", ["a 10", "b 10"], 2),
    ],
)
def test_a_path_in_the_record_line_is_not_taken_for_segments(
    tmp_path: Path, record_line: str, lines: list[str], segments: int
) -> None:
    read = header(tmp_path, "\n".join([record_line, *lines]))
    assert (len(read.segments), len(read.signals)) == (segments, 0 if segments else len(lines))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "header r.hea is empty"),
        ("r two 360\n", r"'r two 360'; it should be NAME SIGNALS FREQUENCY SAMPLES"),
        ("r 1 0 10\n" + LINE, "a line that cannot be read: 'r 1 0 10'"),
        ("r 1 360 10:00:00\n" + LINE, "a line that cannot be read: 'r 1 360 10:00:00'"),
        ("r 1 360Hz 10\n" + LINE, "a line that cannot be read: 'r 1 360Hz 10'"),
        ("r 1 360 10\nr.dat\n", "it should be FILE FORMAT GAIN"),
        ("r 1 360 10\nr.dat 16 200(1024/mV 12 0 0 0 0 II\n", r"'200\(1024/mV' does not fit"),
        ("r 1 360 10\nr.dat 16 200 (1024)/mV 12 0 0 0 0 II\n", r"'\(1024\)/mV' does not fit"),
        ("r 1 360 10\nr.dat 16 200 12 0 0,5 0 0 II\n", "'0,5' does not fit"),
        ("r 2 360 10\n" + LINE, "says 2 signals and describes 1"),
        ("r/3 1 360 10\na 5\nb 5\n", "says 3 segments and describes 2"),
        ("r/2 1 360 10\na 5\nb many\n", "'b many'; it should be SEGMENT SAMPLES"),
    ],
)
def test_what_does_not_fit_is_quoted(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataRefused, match=said):
        header(tmp_path, text)


LARGE = "9" * 400


@pytest.mark.parametrize(
    "text",
    [
        "r 1 1e999999999 7200\nr.dat 16\n",
        "r 1 1e9999 7200\nr.dat 16\n",
        f"r 1 360 {LARGE}\nr.dat 16\n",
        f"r 1 360 10\nr.dat 16x{LARGE}\n",
        f"r 1 360 10\nr.dat 16 200 12 {LARGE}.\n",
        f"r 1 360 10\nr.dat 16 200 12 0 {LARGE}\n",
        "r 1 360 10\nr.dat 16 200(1e999)/mV 12\n",
        "r 1 360 10\nr.dat 16 1e999/mV 12\n",
        "r 1 360 10\nr.dat 16 inf/mV 16 100 0 0 0 II\n",
        "r 1 360 10\nr.dat 16 NaN 16 100 0 0 0 II\n",
        f"r/2 1 360 10\na {LARGE}\nb 5\n",
    ],
)
def test_numbers_that_cannot_be_meant_are_quoted_at_once(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataRefused, match=r"has a line that cannot be read: .*; it should be"):
        header(tmp_path, text)


def test_a_record_of_annotations_only_has_no_signals(tmp_path: Path) -> None:
    assert header(tmp_path, "r 0 128 0\n") == Header(Fraction(128), 0, (), ())


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Records a/1/r1, a/2/r2 and r3, of which r2 has two segments."""
    for name in ("a/1/r1", "a/2/s1", "a/2/s2", "r3"):
        path = tmp_path / name
        write_record(path.parent, path.name, np.arange(50) % 7)
    (tmp_path / "a/2/r2.hea").write_text("r2/2 1 360 100\ns1 50\ns2 50\n")
    return tmp_path


ALL = ("a/1/r1", "a/2/r2", "r3")


def test_without_a_list_every_header_below_is_a_record_but_segments(archive: Path) -> None:
    assert list_records(archive)[0] == ALL


@pytest.mark.parametrize(
    ("text", "records"),
    [
        ("r3\na/1/r1\n", ("r3", "a/1/r1")),
        ("\ufeffr3\r\n\r\n# comment\r\na/1/r1.hea\r\n", ("r3", "a/1/r1")),
        ("a/1/\na/2\nr3.hea\nr3\n", ALL),
        ("a\\1\\r1\n./r3\n", ("a/1/r1", "r3")),
        ("r9\n", ("r9",)),
        ("gone/r9.hea\n", ("gone/r9",)),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_list_may_name_records_headers_and_folders(
    archive: Path, text: str, records: tuple[str, ...], encoding: str
) -> None:
    (archive / "RECORDS").write_bytes(text.encode(encoding))
    assert list_records(archive)[0] == records


def test_a_listed_folder_with_a_list_of_its_own_is_followed(archive: Path) -> None:
    (archive / "RECORDS").write_text("a/\n")
    (archive / "a" / "RECORDS").write_text("1/r1\n")
    assert list_records(archive)[0] == ("a/1/r1",)


def test_listed_folders_that_are_not_there_are_told(archive: Path) -> None:
    (archive / "RECORDS").write_text("a/1/\na/9/\n")
    assert list_records(archive)[1] == ("a/9/",)
    (archive / "RECORDS").write_text("a/9/\n")
    with pytest.raises(DataRefused, match="It lists folders that are not there: a/9/"):
        list_records(archive)


def test_a_list_that_leads_in_a_circle_is_refused(archive: Path) -> None:
    (archive / "RECORDS").write_text("a/\n")
    (archive / "a" / "RECORDS").write_text("../\n")
    with pytest.raises(DataRefused, match="RECORDS lists a folder that it lies in"):
        list_records(archive)


def test_a_folder_without_any_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.dat").touch()
    with pytest.raises(DataRefused, match=r"holds no recording: no RECORDS file, no header of WFDB \(\*\.hea\), no"):
        list_records(tmp_path)


@pytest.mark.parametrize(
    ("place", "folder", "names"),
    [
        ("a/1", "a/1", ("r1",)),
        ("a/1/r1.hea", "a/1", ("r1",)),
        ("a/1/r1", "a/1", ("r1",)),
        ("a/1/r1.dat", "a/1", ("r1",)),
        ("a/2/s1.hea", "a/2", ("s1",)),
        ("a/2/*", "a/2", ("r2",)),
        ("**/*.hea", ".", ALL),
        ("a/*/*.EDF", "a/1", ("n.EDF",)),
        ("a/1/*", "a/1", ("n.EDF", "r1")),
    ],
)
def test_a_record_a_file_or_a_glob_stands_for_records(
    archive: Path, place: str, folder: str, names: tuple[str, ...]
) -> None:
    (archive / "a/1/n.EDF").touch()
    if place == "a/1":
        (archive / "a/1/n.EDF").unlink()
    assert find_records(archive / place) == (archive / folder, names, ())


@pytest.mark.parametrize("place", ["b", "a/1/*.bdf", "a/1/x.edf", "note.txt"])
def test_what_stands_for_no_record_is_refused(archive: Path, place: str) -> None:
    (archive / "note.txt").touch()
    with pytest.raises(DataRefused, match=r"is neither a folder nor a record: there is no folder of the name"):
        find_records(archive / place)
