"""A job whose results lie on S3, which minds what a store in memory does not: options, and empty objects."""

import pytest

from tests.s3_server import s3_server
from tests.score.jobs import digests, run, write_csv


@pytest.fixture(scope="module")
def server():
    with s3_server() as running:
        running.client().create_bucket(Bucket="bucket")
        yield running


@pytest.fixture(autouse=True)
def _environ(server, monkeypatch):
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)


def test_a_job_leaves_the_bytes_of_a_local_one_and_resumes(server, tmp_path):
    write_csv(tmp_path / "a.csv", 40)
    run(tmp_path / "a.csv", output=tmp_path / "out")
    assert run(tmp_path / "a.csv", output="s3://bucket/out").exit_code == 0
    client = server.client()
    keys = [each["Key"] for each in client.list_objects_v2(Bucket="bucket", Prefix="out/")["Contents"]]
    stored = {key.removeprefix("out/"): client.get_object(Bucket="bucket", Key=key)["Body"].read() for key in keys}
    assert {"job.json", "summary.json", "_SUCCESS"} <= stored.keys()
    local = {name: (tmp_path / "out" / name).read_bytes() for name in digests(tmp_path / "out")}
    assert {name: stored[name] for name in local} == local
    client.delete_object(Bucket="bucket", Key="out/_SUCCESS")
    client.delete_object(Bucket="bucket", Key=f"out/{min(local)}")
    assert run(tmp_path / "a.csv", output="s3://bucket/out", existing="resume").exit_code == 0
    assert client.get_object(Bucket="bucket", Key=f"out/{min(local)}")["Body"].read() == local[min(local)]
