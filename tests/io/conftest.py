"""Places of every kind: a folder, a prefix on an S3 server, a prefix on (what passes for) Google Cloud Storage."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gs_server import BUCKET, GsServer, gs_server
from tests.s3_server import S3Server, s3_server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    with s3_server() as server:
        server.client().create_bucket(Bucket=BUCKET)
        yield server


@pytest.fixture(scope="session")
def gs() -> Iterator[GsServer]:
    with gs_server() as server:
        yield server


@pytest.fixture
def s3_root(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """A prefix of its own; the environment leads there."""
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{uuid.uuid4().hex}"


@pytest.fixture
def gs_root(gs: GsServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """A prefix of its own; the environment leads there."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gs.endpoint)
    return f"gs://{BUCKET}/{uuid.uuid4().hex}"


@pytest.fixture(params=["s3", "gs"])
def store_root(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue(f"{request.param}_root")


@pytest.fixture(params=["local", "s3", "gs"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "root") if request.param == "local" else request.getfixturevalue(f"{request.param}_root")
