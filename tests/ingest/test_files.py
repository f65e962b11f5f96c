import os
import subprocess
import sys

import pytest

from components.beats.errors import DataRefused
from components.ingest.files import fingerprint, list_files, open_output, read_range


def test_a_path_a_glob_and_a_file_uri_list_the_same_files(tmp_path):
    for name in ("a.csv", "b.csv", "c.txt"):
        (tmp_path / name).write_text(name)
    (tmp_path / "d.csv").mkdir()
    paths = [f"{tmp_path}/a.csv", f"{tmp_path}/b.csv"]
    assert [file.path for file in list_files(f"{tmp_path}/*.csv")] == paths
    assert [file.path for file in list_files(f"file://{tmp_path}/[ab].csv")] == paths
    assert [(file.path, file.size) for file in list_files(paths[0])] == [(paths[0], 5)]
    assert list_files(f"{tmp_path}/none.csv") == []


def test_a_name_with_glob_characters_is_taken_as_it_is(tmp_path):
    (tmp_path / "x[1].csv").write_text("1")
    assert [file.path for file in list_files(f"{tmp_path}/x[1].csv")] == [f"{tmp_path}/x[1].csv"]


def test_the_fingerprint_changes_with_name_size_and_time_only(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("1")
    os.utime(path, (1, 1))
    first = fingerprint(list_files(str(path)))
    path.write_text("2")
    os.utime(path, (1, 1))
    assert fingerprint(list_files(str(path))) == first
    os.utime(path, (1, 2))
    later = fingerprint(list_files(str(path)))
    path.write_text("22")
    os.utime(path, (1, 2))
    longer = fingerprint(list_files(str(path)))
    path.rename(tmp_path / "b.csv")
    assert len({first, later, longer, fingerprint(list_files(f"{tmp_path}/b.csv"))}) == 4


def test_ranges_are_read_in_chunks(tmp_path):
    (tmp_path / "a").write_bytes(b"0123456789")
    assert list(read_range(f"{tmp_path}/a", 2, 9, 3)) == [b"234", b"567", b"8"]


def test_a_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(DataRefused, match=r"Cannot open .*/a: No such file"):
        list(read_range(f"{tmp_path}/a", 0, 1))


def test_an_unknown_scheme_is_a_sentence():
    with pytest.raises(DataRefused, match="Cannot list nowhere://x/y"):
        list_files("nowhere://x/y")


def test_remote_files_go_through_beam(monkeypatch, tmp_path):
    from apache_beam.io.localfilesystem import LocalFileSystem

    class Elsewhere(LocalFileSystem):
        """Beam's local file system under another scheme."""

        @classmethod
        def scheme(cls):
            return "elsewhere"

        def match(self, patterns, limits=None):
            results = super().match([str(tmp_path / pattern.removeprefix("elsewhere://")) for pattern in patterns])
            for result in results:
                for meta in result.metadata_list:
                    meta.path = "elsewhere://" + os.path.basename(meta.path)
            return results

        def open(self, path, mime_type="application/octet-stream", compression_type="auto"):
            return super().open(str(tmp_path / path.removeprefix("elsewhere://")), mime_type, compression_type)

        def create(self, path, mime_type="application/octet-stream", compression_type="auto"):
            return super().create(str(tmp_path / path.removeprefix("elsewhere://")), mime_type, compression_type)

    with open_output("elsewhere://a.csv.gz") as output:
        output.write(b"0123456789")
    assert (tmp_path / "a.csv.gz").read_bytes() == b"0123456789"
    (file,) = list_files("elsewhere://*.gz")
    assert (file.path, file.size) == ("elsewhere://a.csv.gz", 10)
    assert file.version.startswith("mtime 1")
    assert list(read_range(file.path, 3, 9, 4)) == [b"3456", b"78"]


def test_local_files_never_import_beam_tensorflow_or_tfx(tmp_path):
    (tmp_path / "a.csv").write_text("1,2\n")
    code = (
        "import sys\n"
        "from components.ingest import blocks, files, ingest, locate, parse, plan, run, settings\n"
        f"shards = plan.plan(files.list_files({str(tmp_path / 'a.csv')!r}))\n"
        "assert parse.parse_block(next(blocks.read_blocks(shards[0]))).rejects\n"
        "print(sorted({'apache_beam', 'tensorflow', 'tfx'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
