"""What is done is found out side by side, and never with a whole part in memory."""

import json
import re
import threading
from dataclasses import replace

import pytest

from components.errors import DataRefused, HeartbeatError
from components.io.local_storage import LocalStorage
from components.io.storage import CHUNK_BYTES, storage_at
from components.score.job import Job
from components.score.model import loaded_model
from components.score.record import ShardRecord
from components.score.resume import done_shards, read_outcomes
from components.score.run import score
from pipeline.commands.score import show_summary
from tests.score.jobs import loop, request, run, write_csv


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


def test_a_job_is_not_resumed_where_the_bytes_would_be_others(finished, saved_model, monkeypatch):
    folder, tasks = finished
    folder.remove(tasks[0].record_name)
    calls = []

    def remember(waiting, model, follow):
        calls.append((len(waiting), model.computing))
        return []

    score(request(tasks[0].shard.file, output=folder.root, existing="resume"), remember)
    assert calls == [(1, "numpy")]
    monkeypatch.setattr("components.score.model.use_one_thread", lambda: None)  # TensorFlow is in use here already
    here = loaded_model(saved_model).computing
    assert loaded_model(replace(saved_model, computing=here)).computing == here
    with pytest.raises(HeartbeatError, match=f"begun with TensorFlow 1.0; here it is {re.escape(here)}"):
        loaded_model(replace(saved_model, computing="TensorFlow 1.0"))


def test_workers_that_round_in_different_ways_are_told(finished, capsys):
    folder, tasks = finished
    record = json.loads(folder.read(tasks[0].record_name))
    folder.write(tasks[0].record_name, json.dumps({**record, "computing": "abacus"}).encode())
    folder.remove("_SUCCESS")
    summary = score(request(tasks[0].shard.file, output=folder.root, existing="resume"), loop())
    assert (summary.exit_code, summary.computing) == (0, ["abacus", "numpy"])
    show_summary(summary)
    assert "differ between shards (shards/*.json say which): abacus; numpy" in capsys.readouterr().out


@pytest.mark.parametrize("damaged", [b"{\n", b"", b"[]", b"{}", {"seconds": "long"}, {"rows": {"read": 1}}])
def test_a_damaged_summary_of_a_finished_job_is_written_again(finished, tmp_path, damaged):
    folder, tasks = finished
    whole = json.loads(folder.read("summary.json"))
    folder.write("summary.json", damaged if isinstance(damaged, bytes) else json.dumps(whole | damaged).encode())
    summary = run(tmp_path / "a.csv", output=tmp_path / "out", existing="resume")
    assert (summary.rows, summary.shards["done_before"]) == (whole["rows"], len(tasks))
    assert json.loads(folder.read("summary.json")) == summary.to_dict()
    assert folder.read("_SUCCESS") is not None
