"""A job whose inputs and results lie on a store leaves the bytes of a local one, whenever it was killed."""

import pytest

from components.io.lock import HOLDER
from components.io.storage import storage_at
from tests.memory_bucket import MemoryBucket
from tests.s3_server import s3_server
from tests.score.jobs import digests, run, write_csv

OUT = "s3://bucket/out"


@pytest.fixture
def bucket(monkeypatch):
    memory = MemoryBucket()
    monkeypatch.setattr("components.io.object_stores.bucket_of", lambda scheme, name: memory)
    return memory


def stored(output):
    """Name -> bytes of all that lies below a URI."""
    storage = storage_at(output)
    return {name: storage.read(name) for name in storage.sizes()}


def results(output):
    return {name: content for name, content in stored(output).items() if name.startswith(("parts/", "rejects/"))}


def test_a_job_on_s3_leaves_the_bytes_of_a_local_one_and_resumes(tmp_path, monkeypatch):
    write_csv(tmp_path / "a.csv", 40)
    run(tmp_path / "a.csv", output=tmp_path / "out")
    local = {name: (tmp_path / "out" / name).read_bytes() for name in digests(tmp_path / "out")}
    with s3_server() as server:
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        server.client().create_bucket(Bucket="bucket")
        assert run(tmp_path / "a.csv", output=OUT).exit_code == 0
        assert results(OUT) == local
        assert {"job.json", "summary.json", "_SUCCESS"} <= stored(OUT).keys()
        assert not any(name.startswith("lock") for name in stored(OUT))
        storage_at(OUT).remove("_SUCCESS")
        storage_at(OUT).remove(min(local))
        assert run(tmp_path / "a.csv", output=OUT, existing="resume").exit_code == 0
        assert results(OUT) == local


def test_the_lock_is_first_then_job_json_and_success_is_last(tmp_path, bucket):
    write_csv(tmp_path / "a.csv", 20)
    run(tmp_path / "a.csv", output=OUT)
    names = [key.removeprefix("out/") for key in bucket.written]
    assert names[:2] == [HOLDER, "job.json"]
    assert [name.split("/")[0] for name in names[2:5]] == ["parts", "rejects", "shards"]
    assert [name for name in names if name != HOLDER][-2:] == ["summary.json", "_SUCCESS"]


class Killed(BaseException):
    """Stands for a kill."""


def test_killed_after_any_upload_a_job_resumes_to_the_same_bytes(tmp_path, bucket):
    write_csv(tmp_path / "a.csv", 30)
    run(tmp_path / "a.csv", output="s3://bucket/unbroken")
    for survived in range(2, 40):
        output, remaining = f"s3://bucket/out{survived}", [survived]

        def die(remaining=remaining):
            remaining[0] -= 1
            if remaining[0] == 0:
                raise Killed

        bucket.after_write = die
        try:
            run(tmp_path / "a.csv", output=output)
        except Killed:
            bucket.after_write = lambda: None
            storage_at(output).remove(HOLDER)  # the next job would watch it for two minutes
            assert run(tmp_path / "a.csv", output=output, existing="resume").exit_code == 0
            assert results(output) == results("s3://bucket/unbroken")
        else:
            assert survived > 8
            return
    pytest.fail("the job never ran to its end")


def test_inputs_are_read_from_a_store(tmp_path, bucket):
    write_csv(tmp_path / "a.csv", 30)
    storage_at("s3://bucket").write("a.csv", (tmp_path / "a.csv").read_bytes())
    assert run("s3://bucket/*.csv", output=tmp_path / "out").rows["scored"] == 30
