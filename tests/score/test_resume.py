"""What is done is found out side by side, and never with a whole part in memory."""

import threading

import pytest

from components.errors import DataRefused
from components.io.local_storage import LocalStorage
from components.io.storage import CHUNK_BYTES, storage_at
from components.score.job import Job
from components.score.record import ShardRecord
from components.score.resume import done_shards, read_outcomes
from tests.score.jobs import run, write_csv


@pytest.fixture
def finished(tmp_path):
    """A scoring directory, and the tasks of its job: several."""
    write_csv(tmp_path / "a.csv", 60)
    run(tmp_path / "a.csv", output=tmp_path / "out")
    folder = storage_at(tmp_path / "out")
    tasks = Job.from_json(folder.read("job.json"), folder.root).tasks(folder.root)
    assert len(tasks) > 2
    return folder, tasks


def test_all_shards_of_a_finished_job_are_done(finished):
    folder, tasks = finished
    done = done_shards(folder, tasks)
    assert list(done) == [task.shard.stem for task in tasks]
    assert done == read_outcomes(folder, tasks)
    assert all(isinstance(record, ShardRecord) for record in done.values())


def test_parts_are_hashed_at_the_same_time(finished, monkeypatch):
    folder, tasks = finished
    together = threading.Barrier(2)
    opened = LocalStorage.open

    def meet(self, name=""):
        together.wait(timeout=60)  # breaks where one file is read after the other
        return opened(self, name)

    monkeypatch.setattr(LocalStorage, "open", meet)
    pairs = tasks[:2]
    assert list(done_shards(folder, pairs)) == [task.shard.stem for task in pairs]


def test_no_part_is_read_as_a_whole(finished, monkeypatch):
    folder, tasks = finished
    sizes = []
    opened = LocalStorage.open

    class Counted:
        def __init__(self, file):
            self.file = file

        def read(self, size=-1):
            sizes.append(size)
            return self.file.read(size)

        def close(self):
            self.file.close()

    monkeypatch.setattr(LocalStorage, "open", lambda self, name="": Counted(opened(self, name)))
    assert len(done_shards(folder, tasks)) == len(tasks)
    assert set(sizes) == {CHUNK_BYTES}


def test_a_part_that_goes_away_meanwhile_is_not_done(finished, monkeypatch):
    folder, tasks = finished
    opened = LocalStorage.open

    def gone(self, name=""):
        if name == tasks[1].parts_name:
            raise DataRefused("it is not there")
        return opened(self, name)

    monkeypatch.setattr(LocalStorage, "open", gone)
    assert set(done_shards(folder, tasks)) == {task.shard.stem for task in tasks} - {tasks[1].shard.stem}


def test_outcomes_that_are_known_are_not_read_again(finished):
    folder, tasks = finished
    done = done_shards(folder, tasks)
    for task in tasks:
        folder.remove(task.record_name)
    assert read_outcomes(folder, tasks, done) == done
    assert set(read_outcomes(folder, tasks).values()) == {None}
