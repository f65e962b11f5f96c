import gzip
import hashlib

from components.beats import kaggle
from components.io.storage import list_files


def test_the_public_test_file_is_known_by_length_and_digest(tmp_path, monkeypatch):
    text = b"0.5,0.0\n" * 10
    (tmp_path / "a.csv").write_bytes(text)
    (tmp_path / "b.csv").write_bytes(text[::-1])
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(text))
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress(text * 2))
    (tmp_path / "e.csv").write_bytes(text * 2)
    monkeypatch.setattr(kaggle, "TEST_BYTES", len(text))
    monkeypatch.setattr(kaggle, "TEST_SHA256", hashlib.sha256(text).hexdigest())
    known = {path.name: kaggle.is_kaggle_test(*list_files(str(path))) for path in tmp_path.iterdir()}
    assert known == {"a.csv": True, "b.csv": False, "c.csv.gz": True, "d.csv.gz": False, "e.csv": False}
