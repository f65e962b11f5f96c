"""Stores: conditional writes, one bucket asked for in a hurry, and words for what fails; also as commands show them."""

from __future__ import annotations

import errno
import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from components.errors import DataRefused, EnvironmentRefused
from components.io import buckets
from components.io.buckets import bucket_of, words_of
from components.io.object_stores import ObjectStore, regex_of_glob
from components.io.sources import find_sources
from components.io.storage import list_files, read_range, read_whole, storage_at, write_whole
from components.io.text import read_text
from pipeline.cli import heartbeat, main
from pipeline.commands.run import run
from tests.gs_server import GsServer
from tests.io.rows import lines
from tests.s3_server import S3Server


def test_an_object_is_created_by_one_of_many_and_replaced_by_one_who_knows_its_version(store_root: str) -> None:
    store = ObjectStore(store_root)
    won = raced(lambda mine: store.write_if("claim", mine, None))
    assert len(won) == 1
    held = store.read_versioned("claim")
    assert held is not None
    assert {held.content: held.version} == won
    # other content than before, as the ETag of S3 is a digest of the content
    won = raced(lambda mine: store.write_if("claim", b"again " + mine, held.version))
    assert len(won) == 1
    assert store.write_if("claim", b"too late", held.version) is None
    store.remove("claim")
    assert store.write_if("claim", b"too late", held.version) is None
    assert store.read("claim") is None


def raced(write: Callable[[bytes], str | None]) -> dict[bytes, str]:
    """What each writer wrote whose write was let through, and the version that it got."""
    together, won = threading.Barrier(4), {}

    def begin(mine: bytes) -> None:
        together.wait()
        if (version := write(mine)) is not None:
            won[mine] = version

    threads = [threading.Thread(target=begin, args=(b"%d" % number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return won


def test_a_conditional_write_whose_answer_was_lost_is_known_as_ones_own(store_root: str) -> None:
    store = ObjectStore(store_root)
    version = store.write_if("claim", b"mine", None)
    assert version is not None
    assert store.write_if("claim", b"mine", None) == version


def test_browsers_are_told_what_a_page_is(s3: S3Server, s3_root: str) -> None:
    bucket, prefix = s3_root.split("/")[2:]
    for name, kind in (
        ("a.html", "text/html"),
        ("a.csv.gz", "application/octet-stream"),
        ("a", "application/octet-stream"),
    ):
        write_whole(f"{s3_root}/{name}", "1")
        assert s3.client().head_object(Bucket=bucket, Key=f"{prefix}/{name}")["ContentType"] == kind


def test_an_answer_that_breaks_off_is_asked_for_again(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import ReadTimeoutError
    from botocore.response import StreamingBody

    write_whole(f"{s3_root}/a", "0123456789")
    read, broken = StreamingBody.read, [2]

    def read_or_break(body: StreamingBody, amt: int | None = None) -> bytes:
        broken[0] -= 1
        if broken[0] >= 0:
            raise ReadTimeoutError(endpoint_url="x", error=None)
        return read(body, amt)

    monkeypatch.setattr(StreamingBody, "read", read_or_break)
    assert read_range(f"{s3_root}/a", 2, 6) == b"2345"
    broken[0] = buckets.ATTEMPTS
    with pytest.raises(EnvironmentRefused, match=f"Cannot read {s3_root}/a: Read timeout"):
        read_range(f"{s3_root}/a", 2, 6)


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("a/*.csv", ["a/.csv", "a/b.csv"], ["a/b/c.csv", "a/bxcsv"]),
        ("a/**.csv", ["a/.csv", "a/b/c.csv"], ["b/a/c.csv"]),
        ("a/**/*.csv", ["a/b.csv", "a/b/c.csv", "a/b/c/d.csv"], ["ab.csv", "a.csv"]),
        ("a**/b", ["a/b", "ac/d/b"], ["ab"]),
        ("a?c", ["abc", "a+c"], ["a/c", "ac"]),
        ("[!a-c]x", ["dx", "^x"], ["ax", "x"]),
        ("[^]x", ["^x"], ["ax"]),
        ("a[", ["a["], ["a"]),
        ("(a|b)+", ["(a|b)+"], ["a"]),
    ],
)
def test_globs(pattern: str, matching: list[str], others: list[str]) -> None:
    regex = regex_of_glob(pattern)
    assert [name for name in (*matching, *others) if regex.fullmatch(name)] == matching


def test_a_host_that_does_not_answer_is_told_by_the_innermost_error() -> None:
    from google.api_core.exceptions import RetryError
    from requests.exceptions import ConnectionError
    from urllib3.connection import HTTPSConnection
    from urllib3.exceptions import MaxRetryError, NewConnectionError

    unknown = NewConnectionError(HTTPSConnection("storage.example"), "Failed to find storage.example.")
    error = RetryError("Timeout of 120.0s exceeded", ConnectionError(MaxRetryError(None, "/x", unknown)))
    assert words_of(error) == "Failed to find storage.example"
    assert words_of(OSError(errno.EIO, "Input/output error")) == "Input/output error"
    assert words_of(ValueError()) == "ValueError"


class Failing:
    """A bucket whose store lets no one in."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        def refuse(*_: object) -> None:
            raise RuntimeError("Access Denied")

        return refuse


def test_what_the_store_refuses_is_told_with_where_its_rights_come_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("components.io.object_stores.bucket_of", lambda scheme, name: Failing())
    store = storage_at("s3://bucket/x.csv")
    acts: dict[str, Callable[[], object]] = {
        "list": store.match,
        "open": store.open,
        "read": store.read,
        "write": lambda: store.write("", b"1"),
        "remove": store.remove,
    }
    for act, attempt in acts.items():
        with pytest.raises(EnvironmentRefused) as refused:
            attempt()
        [sentence] = refused.value.sentences
        assert sentence.startswith(f"Cannot {act} s3://bucket/x.csv: Access Denied. Check the address")
        assert "come from the environment: AWS_ACCESS_KEY_ID" in sentence


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials and no proxy are there."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "http_proxy",
        "https_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def closed_port(nothing_set: None) -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"http://127.0.0.1:{port}"


@pytest.fixture
def silent_port(nothing_set: None) -> Iterator[str]:
    """Connections are taken, and nothing is ever answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def with_keys(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "an-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)


@pytest.mark.usefixtures("nothing_set")
def test_s3_without_credentials_is_told_before_a_connection_is_tried() -> None:
    with pytest.raises(EnvironmentRefused, match="no credentials for s3://"):
        list_files("s3://bucket/beats")


def test_an_s3_server_that_is_not_there(
    closed_port: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_keys(monkeypatch, closed_port)
    assert main(heartbeat, ["models", "list", "--serving", "s3://models/serving"]) == 6
    [sentence] = capsys.readouterr().err.splitlines()
    assert sentence.startswith(f"{closed_port} cannot be reached: Connection refused.")


def test_a_run_whose_data_cannot_be_reached_ends_at_once(
    closed_port: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with_keys(monkeypatch, closed_port)
    assert main(run, ["--data", "s3://beats/kaggle", "--root", str(tmp_path)]) == 6
    [sentence, *_] = capfd.readouterr().out.splitlines()
    assert sentence.startswith(f"{closed_port} cannot be reached: Connection refused.")


def test_a_server_that_never_answers_is_given_up(silent_port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_keys(monkeypatch, silent_port)
    monkeypatch.setattr(buckets, "ANSWER_SECONDS", 0.2)
    with pytest.raises(EnvironmentRefused, match="cannot be reached: timed out"):
        list_files("s3://bucket/beats")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", silent_port)
    with pytest.raises(EnvironmentRefused, match=r"cannot be reached: .*timed out"):
        list_files("gs://bucket/beats")


def test_google_is_asked_where_its_emulator_is(closed_port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", closed_port)
    with pytest.raises(EnvironmentRefused, match=r"127\.0\.0\.1:\d+ cannot be reached: Connection refused"):
        list_files("gs://bucket/beats")


def test_behind_a_proxy_it_is_the_proxy_that_must_answer(closed_port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_keys(monkeypatch, "https://store.example")
    monkeypatch.setenv("HTTPS_PROXY", closed_port)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
    with pytest.raises(EnvironmentRefused, match=r"https://store\.example cannot be reached: .*refused"):
        list_files("s3://bucket/beats")
    with pytest.raises(EnvironmentRefused, match=r"storage\.googleapis\.com cannot be reached: .*refused"):
        list_files("gs://bucket/beats")


def test_a_bucket_that_is_not_there_is_told_and_one_that_is_is_asked_for_once(store_root: str) -> None:
    scheme, _, bucket, *_ = store_root.split("/")
    assert bucket_of(scheme.rstrip(":"), bucket) is bucket_of(scheme.rstrip(":"), bucket)
    with pytest.raises(EnvironmentRefused, match=r"There is no bucket nobodys at http://127"):
        list_files(f"{scheme}//nobodys/beats")


@pytest.mark.parametrize("name", ["beats.csv.gz", "beats.csv"])
def test_an_object_with_content_encoding_gzip_is_read_as_it_is_stored(
    name: str, store_root: str, s3: S3Server, gs: GsServer
) -> None:
    """What a store or its client unpacks on the way has another length, and no ranges."""
    bucket, key = store_root.split("/", 3)[2], f"{store_root.split('/', 3)[3]}/{name}"
    text, _, _ = lines(200)
    stored = gzip.compress(text)
    if store_root.startswith("s3"):
        s3.client().put_object(Bucket=bucket, Key=key, Body=stored, ContentEncoding="gzip")
    else:
        gs.objects[key], gs.packed = (stored, 1), {key}
    path = f"{store_root}/{name}"
    [file] = list_files(path)
    assert file.size == len(stored)
    assert read_whole(path) == storage_at(path).read() == stored
    assert read_range(path, 1000, 5000) == stored[1000:5000]
    if name.endswith(".gz"):
        [source] = find_sources([path])
        assert b"".join(read_text(path, 0, file.size)) == text
        assert source.kind == "csv"
    else:
        with pytest.raises(DataRefused, match=r"beats\.csv is gzip: give it a name ending in \.gz"):
            find_sources([path])
