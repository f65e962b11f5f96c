"""Folders of records as people have them: lists of records, of headers, of folders, and no list at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components.errors import DataRefused
from components.recordings.header import list_records
from components.recordings.splits import is_mitdb
from tests.recordings.archives import write_record


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


def test_a_folder_of_edf_files_says_how_to_convert_them(tmp_path: Path) -> None:
    (tmp_path / "x.EDF").touch()
    with pytest.raises(DataRefused, match="It holds EDF files, which are not read: edf2mit"):
        list_records(tmp_path)


def test_mitbih_is_known_by_names_and_lengths(tmp_path: Path) -> None:
    for name in ("100", "101"):
        write_record(tmp_path, name, np.arange(50) % 7)
    assert not is_mitdb(tmp_path, list_records(tmp_path)[0])
    for name in ("100", "101"):
        (tmp_path / f"{name}.hea").write_text(f"{name} 1 360 650000\n{name}.dat 212 200 11 1024 0 0 0 MLII\n")
    assert is_mitdb(tmp_path, list_records(tmp_path)[0])
    (tmp_path / "101.hea").unlink()
    (tmp_path / "RECORDS").write_text("100\n101\n")
    assert is_mitdb(tmp_path, list_records(tmp_path)[0])
