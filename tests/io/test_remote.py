"""A job whose inputs and results lie on an object store."""

import json

import pytest
from apache_beam.io.filesystem import FileMetadata

from components.errors import EnvironmentRefused
from components.io.claim import LOCK_DIR, STALE_SECONDS
from components.io.folder import folder_at
from components.io.remote_lock import remotely_locked
from tests.io.memory_filesystem import MemoryFileSystem
from tests.score.jobs import digests, run, write_csv

OUT = "memory://bucket/out"


@pytest.fixture(autouse=True)
def _objects(monkeypatch):
    monkeypatch.setattr(MemoryFileSystem, "objects", {})
    monkeypatch.setattr(MemoryFileSystem, "written", [])
    monkeypatch.setattr(MemoryFileSystem, "after_write", staticmethod(lambda path: None))


def test_the_store_ends_up_with_the_bytes_of_a_local_job(tmp_path):
    write_csv(tmp_path / "a.csv", 60)
    summary = run(tmp_path / "a.csv", output=OUT)
    run(tmp_path / "a.csv", output=tmp_path / "out")
    assert summary.exit_code == 0
    stored = {name[len(OUT) + 1 :]: content for name, content in MemoryFileSystem.objects.items()}
    local = {name: (tmp_path / "out" / name).read_bytes() for name in digests(tmp_path / "out")}
    assert {name: content for name, content in stored.items() if name.split("/")[0] in ("parts", "rejects")} == local
    assert not any(name.startswith(LOCK_DIR) for name in stored)


def test_job_json_is_first_and_success_last(tmp_path):
    write_csv(tmp_path / "a.csv", 20)
    run(tmp_path / "a.csv", output=OUT)
    written = [name[len(OUT) + 1 :] for name in MemoryFileSystem.written]
    assert written[0].startswith(LOCK_DIR)
    assert written[1] == "job.json"
    assert written[-2:] == ["summary.json", "_SUCCESS"]
    assert written[2].startswith("parts/")
    assert written[4].startswith("shards/")


class Killed(BaseException):
    """Stands for a kill."""


def test_killed_after_any_put_a_job_resumes_to_the_same_bytes(tmp_path, monkeypatch):
    write_csv(tmp_path / "a.csv", 30)
    run(tmp_path / "a.csv", output="memory://bucket/unbroken")

    def results(output):
        tops = (f"{output}/parts/", f"{output}/rejects/")
        found = MemoryFileSystem.objects.items()
        return {name[len(output) :]: content for name, content in found if name.startswith(tops)}

    for survived in range(2, 40):
        output = f"memory://bucket/out{survived}"
        puts = [survived]

        def die(path, puts=puts):
            puts[0] -= 1
            if puts[0] == 0:
                raise Killed

        monkeypatch.setattr(MemoryFileSystem, "after_write", staticmethod(die))
        try:
            run(tmp_path / "a.csv", output=output)
        except Killed:
            monkeypatch.setattr(MemoryFileSystem, "after_write", staticmethod(lambda path: None))
            assert run(tmp_path / "a.csv", output=output, existing="resume").exit_code == 0
            assert results(output) == results("memory://bucket/unbroken")
        else:
            assert survived > 8
            return
    pytest.fail("the job never ran to its end")


def test_inputs_are_read_from_a_store(tmp_path, monkeypatch):
    monkeypatch.setattr(MemoryFileSystem, "checksum", lambda self, path: hash(self.objects[path]))
    monkeypatch.setattr(MemoryFileSystem, "metadata", lambda self, path: FileMetadata(path, len(self.objects[path])))
    write_csv(tmp_path / "a.csv", 30)
    MemoryFileSystem.objects["memory://bucket/a.csv"] = (tmp_path / "a.csv").read_bytes()
    assert run("memory://bucket/*.csv", output=tmp_path / "out").rows["scored"] == 30


def test_the_lock_is_held_against_others_and_left_when_its_holder_is_dead():
    now = [1000.0]
    with remotely_locked(OUT, lambda: now[0]):
        with pytest.raises(EnvironmentRefused, match="Another job"), remotely_locked(OUT, lambda: now[0]):
            pass
        assert len(folder_at(OUT).names(LOCK_DIR)) == 1
    assert folder_at(OUT).names(LOCK_DIR) == {}
    MemoryFileSystem.objects[f"{OUT}/{LOCK_DIR}/dead.json"] = json.dumps({"refreshed": 1000.0, "host": "x"}).encode()
    now[0] += STALE_SECONDS
    with remotely_locked(OUT, lambda: now[0]):
        assert len(folder_at(OUT).names(LOCK_DIR)) == 1


def test_a_lock_that_was_lost_is_told():
    now = [1000.0]
    with remotely_locked(OUT, lambda: now[0]) as check:
        check()
        now[0] += STALE_SECONDS
        with pytest.raises(EnvironmentRefused, match="was lost"):
            check()
