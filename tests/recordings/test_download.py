"""The download against a server on this machine that is laid out as PhysioNet's."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import wfdb.io.download as wfdb_download

from components.errors import DataRefused, EnvironmentRefused, UsageError
from components.recordings.download import download_mitdb, read_sums
from tests.recordings.archives import write_patient


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def physionet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the database as the server has it."""
    files = tmp_path / "server" / "files" / "mitdb" / "1.0.0"
    write_patient(files, "100", seed=1)
    (files / "RECORDS").write_text("100\n")
    content = tmp_path / "server" / "content" / "mitdb"
    content.mkdir(parents=True)
    (content / "index.html").write_text("<p>\nVersion: 1.0.0</p>\n")
    (content / "1.0.0").mkdir()
    names = sorted(path.name for path in files.iterdir())
    sums = "".join(f"{hashlib.sha256((files / name).read_bytes()).hexdigest()} {name}\n" for name in names)
    (files / "SHA256SUMS.txt").write_text(sums)
    handler = functools.partial(Quiet, directory=str(tmp_path / "server"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(wfdb_download, "PN_CONTENT_URL", f"{base}/content/")
        monkeypatch.setattr(wfdb_download.config, "db_index_url", f"{base}/files/")
        yield files
        server.shutdown()


def test_all_listed_files_are_fetched_and_verified(
    tmp_path: Path, physionet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert download_mitdb(tmp_path / "records") == 4
    names = {"100.hea", "100.dat", "100.atr", "RECORDS", "SHA256SUMS.txt"}
    assert {path.name for path in (tmp_path / "records").iterdir()} == names
    for name in names:
        assert (tmp_path / "records" / name).read_bytes() == (physionet / name).read_bytes()
    assert capsys.readouterr().out == ""


def test_a_file_that_differs_from_its_checksum_leaves_no_folder(tmp_path: Path, physionet: Path) -> None:
    content = bytearray((physionet / "100.dat").read_bytes())
    content[10] ^= 1
    (physionet / "100.dat").write_bytes(bytes(content))
    with pytest.raises(DataRefused, match=r"differ from their checksums in SHA256SUMS\.txt: 100\.dat"):
        download_mitdb(tmp_path / "records")
    assert {path.name for path in tmp_path.iterdir()} == {"server"}


def test_no_network_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wfdb_download, "PN_CONTENT_URL", "http://127.0.0.1:9/content/")
    with pytest.raises(EnvironmentRefused, match="could not be fetched from PhysioNet"):
        download_mitdb(tmp_path / "records")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(UsageError, match="is not empty"):
        download_mitdb(tmp_path)


def test_a_folder_that_cannot_be_made_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    with pytest.raises(EnvironmentRefused, match=r"/f.* cannot be written: (File exists|Not a directory)\."):
        download_mitdb(tmp_path / "f" / "x")


@pytest.mark.parametrize("line", ["abc 100.dat", "0" * 64 + " ../escape", "0" * 64 + " /etc/passwd", "0" * 64])
def test_a_list_that_is_none_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "SHA256SUMS.txt").write_text(line + "\n")
    with pytest.raises(DataRefused, match="not a list of checksums"):
        read_sums(tmp_path / "SHA256SUMS.txt")
