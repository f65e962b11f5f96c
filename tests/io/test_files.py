import errno
import io
import os
import subprocess
import sys

import pytest

from components.errors import DataRefused, EnvironmentRefused, UsageError
from components.io.files import fingerprint, list_files, open_input, open_output, read_range
from components.io.remote import unread_remote


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


def test_an_unknown_scheme_is_a_wrong_flag():
    with pytest.raises(UsageError, match=r"nowhere://x/y cannot be opened: use a local path, or a URI of .*gs, .*s3"):
        list_files("nowhere://x/y")


def test_a_store_without_credentials_is_the_environment_in_its_own_words(monkeypatch):
    class Client:
        """As boto3 where nobody is logged in."""

        def __init__(self, options):
            raise RuntimeError("You must specify a region.")

    monkeypatch.setattr("components.io.remote.check_reach", lambda uri: None)
    monkeypatch.setattr("apache_beam.io.aws.s3io.BOTO3_INSTALLED", True)
    monkeypatch.setattr("apache_beam.io.aws.clients.s3.boto3_client.Client", Client)
    with pytest.raises(EnvironmentRefused) as refused:
        list_files("s3://bucket/x.csv")
    [sentence] = refused.value.sentences
    assert sentence.startswith("Cannot list s3://bucket/x.csv: You must specify a region. Check the address")
    assert "come from the environment: AWS_ACCESS_KEY_ID" in sentence
    with pytest.raises(EnvironmentRefused, match=r"Cannot open s3://bucket/x\.csv: You must specify a region\. "):
        open_input("s3://bucket/x.csv")
    with pytest.raises(EnvironmentRefused, match=r"Cannot write s3://bucket/x\.csv: You must specify a region\. "):
        open_output("s3://bucket/x.csv").write(b"x")


def test_a_host_that_does_not_answer_is_told_by_the_innermost_error():
    from google.api_core.exceptions import RetryError
    from requests.exceptions import ConnectionError
    from urllib3.connection import HTTPSConnection
    from urllib3.exceptions import MaxRetryError, NewConnectionError

    unknown = NewConnectionError(HTTPSConnection("storage.example"), "Failed to find storage.example.")
    error = RetryError("Timeout of 120.0s exceeded", ConnectionError(MaxRetryError(None, "/x", unknown)))
    refused = unread_remote("read", "gs://bucket/x.csv", error)
    assert isinstance(refused, EnvironmentRefused)
    assert str(refused).startswith("Cannot read gs://bucket/x.csv: Failed to find storage.example. Check the address")


def test_an_object_that_is_not_there_is_missing_data():
    from apache_beam.io.aws.clients.s3.messages import S3ClientError
    from apache_beam.io.filesystem import BeamIOError

    gone = BeamIOError("Open failed", {"s3://b/x": S3ClientError("Not Found", 404)})
    refused = unread_remote("open", "s3://b/x", gone)
    assert isinstance(refused, DataRefused)
    assert str(refused) == "Cannot open s3://b/x: Not Found. Check that it is there."


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
def test_a_file_that_is_there_but_cannot_be_opened_is_the_environment(monkeypatch, number):
    def refuse(path, *_, **__):
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(EnvironmentRefused, match=f"Cannot open x.csv: {os.strerror(number)}"):
        open_input("x.csv")


def test_a_file_that_cannot_be_read_on_is_the_environment(monkeypatch, tmp_path):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("components.io.files.open_input", lambda path: Broken())
    with pytest.raises(EnvironmentRefused, match=r"Cannot read x\.csv: Input/output error"):
        list(read_range("x.csv", 0, 5))


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
        "from components.ingest import ingest, locate, run, settings\n"
        "from components.io import csv, files, shards\n"
        f"planned = shards.plan_text(files.list_files({str(tmp_path / 'a.csv')!r}))\n"
        "assert csv.parse_block(next(shards.read_lines(planned[0]))).rejects\n"
        "print(sorted({'apache_beam', 'tensorflow', 'tfx'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
