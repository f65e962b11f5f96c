import gzip
import hashlib
from functools import partial

import pytest

from components.beats import kaggle
from components.io.storage import list_files
from components.io.text import read_text


def test_the_public_test_file_is_known_by_length_and_digest(tmp_path, monkeypatch):
    text = b"0.5,0.0\n" * 10
    (tmp_path / "a.csv").write_bytes(text)
    (tmp_path / "b.csv").write_bytes(text[::-1])
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(text))
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress(text * 2))
    (tmp_path / "e.csv").write_bytes(text * 2)
    monkeypatch.setattr(kaggle, "TEST_BYTES", len(text))
    monkeypatch.setattr(kaggle, "TEST_SHA256", hashlib.sha256(text).hexdigest())
    known = {path.name: kaggle.has_kaggle_text(*list_files(str(path))) for path in tmp_path.iterdir()}
    assert known == {"a.csv": True, "b.csv": False, "c.csv.gz": True, "d.csv.gz": False, "e.csv": False}


@pytest.mark.parametrize("chunk_bytes", [1, 7, 9, 1 << 20])
def test_line_ends_and_a_byte_order_mark_do_not_make_it_another_file(tmp_path, monkeypatch, chunk_bytes):
    text = b"0.5,0.0\n" * 10
    crlf = text.replace(b"\n", b"\r\n")
    same = {"crlf": crlf, "open": text[:-1], "both": crlf[:-2], "marked": b"\xef\xbb\xbf" + crlf}
    other = {"cr": text.replace(b"\n", b"\r"), "cut": text[:-2], "two": text + b"\n", "lone": crlf + b"\r"}
    monkeypatch.setattr(kaggle, "TEST_BYTES", len(text))
    monkeypatch.setattr(kaggle, "TEST_SHA256", hashlib.sha256(text).hexdigest())
    monkeypatch.setattr(kaggle, "read_text", partial(read_text, chunk_bytes=max(chunk_bytes, 3)))
    for name, content in {**same, **other}.items():
        (tmp_path / name).write_bytes(content)
    known = {name: kaggle.has_kaggle_text(*list_files(str(tmp_path / name))) for name in {**same, **other}}
    assert known == dict.fromkeys(same, True) | dict.fromkeys(other, False)
