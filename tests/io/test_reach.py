"""A store that is not there is told of at once, by the commands that people type."""

import socket
from pathlib import Path

import pytest

from components.errors import EnvironmentRefused
from components.io import reach
from components.io.reach import check_reach
from pipeline.cli import heartbeat, main
from pipeline.commands.run import run
from tests.s3_server import s3_server


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials are there, no retry waits."""
    monkeypatch.setattr(reach, "PAUSE_SECONDS", 0)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "http_proxy", "https_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("HTTPS_PROXY", raising=False)


@pytest.fixture
def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def with_keys(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "an-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)


def test_s3_without_credentials_is_told_before_a_connection_is_tried() -> None:
    with pytest.raises(EnvironmentRefused, match="no credentials for s3://"):
        check_reach("s3://bucket/beats")


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


def test_google_is_asked_where_its_emulator_is(closed_port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", closed_port.removeprefix("http://"))
    with pytest.raises(EnvironmentRefused, match=r"127\.0\.0\.1:\d+ cannot be reached"):
        check_reach("gs://bucket/beats")


def test_behind_a_proxy_it_is_the_proxy_that_must_answer(closed_port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urllib.request.getproxies", lambda: {"https": closed_port})
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        with pytest.raises(EnvironmentRefused, match=r"storage\.googleapis\.com cannot be reached"):
            check_reach("gs://bucket/beats")
        reach._check.cache_clear()
        monkeypatch.setattr("urllib.request.getproxies", lambda: {"https": f"127.0.0.1:{proxy.getsockname()[1]}"})
        check_reach("gs://bucket/beats")


def test_a_bucket_is_asked_for_once_and_one_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with s3_server() as server:
        with_keys(monkeypatch, server.endpoint)
        server.client().create_bucket(Bucket="bucket")
        check_reach("s3://bucket/beats")
        with pytest.raises(EnvironmentRefused, match=r"There is no bucket other at http://127"):
            check_reach("s3://other/beats")
    check_reach("s3://bucket/more")


def test_other_schemes_are_their_file_systems_business() -> None:
    check_reach("memory://bucket/beats")
