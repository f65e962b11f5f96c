"""Workers of a cluster look for their submitter in the scoring directory, and leave nothing when it is gone."""

import pytest

from components.io.storage import storage_at
from components.io.submitter import RemoteSubmitter, remote_submitter
from components.score import beam
from components.score.engines.engine import BeamRunner
from components.score.model import ModelRef
from components.score.record import ShardRecord
from components.score.resume import read_outcome
from components.score.run import score
from components.score.runner import EngineRunner
from components.score.shard import Stopped, attempt_shard
from tests.score.jobs import NumpyModel, digests, loop, request, run, write_csv


def planned(tmp_path):
    """The tasks of a job of which nothing is done."""
    tasks = []

    def keep(waiting, model, follow):
        tasks.extend(waiting)
        return []

    score(request(tmp_path / "a.csv", output=tmp_path / "out"), keep)
    return tasks


@pytest.mark.parametrize("spoil", [lambda s, p: p, lambda s, p: 1 / 0], ids=["scored", "failed"])
def test_who_is_not_wanted_any_more_leaves_neither_rows_nor_a_failure(tmp_path, spoil):
    write_csv(tmp_path / "a.csv", 20)
    [task, *_] = planned(tmp_path)
    before = storage_at(tmp_path / "out").sizes()

    def gone():
        raise Stopped

    with pytest.raises(Stopped):
        attempt_shard(task, lambda: NumpyModel(spoil), check_wanted=gone)
    assert storage_at(tmp_path / "out").sizes() == before


def test_a_new_job_ends_the_workers_of_one_whose_submitter_was_killed(tmp_path):
    write_csv(tmp_path / "a.csv", 20)
    planned(tmp_path)
    (tmp_path / "out" / "lock").mkdir()
    (tmp_path / "out" / "lock" / "dead.json").write_text("{}")
    gone = []

    def look(tasks, model, follow):
        gone.append(RemoteSubmitter(str(tmp_path / "out"), "lock/dead.json").is_gone(at_once=True))
        return []

    score(request(tmp_path / "a.csv", output=tmp_path / "out", existing="resume"), look)
    assert gone == [True]


@pytest.fixture
def _numpy_model(monkeypatch):
    monkeypatch.setattr(beam, "loaded_model", lambda ref: NumpyModel())


@pytest.mark.usefixtures("_numpy_model")
def test_an_engines_second_attempt_leaves_what_the_first_has_done(tmp_path):
    write_csv(tmp_path / "a.csv", 20)
    [task, *_] = planned(tmp_path)
    with remote_submitter(str(tmp_path / "out")) as submitter:
        worker = beam.ScoreShard(ModelRef("/models/1", "ab" * 32), submitter)
        list(worker.process(task))
        record = tmp_path / "out" / task.record_name
        first = record.stat().st_mtime_ns
        assert isinstance(read_outcome(storage_at(tmp_path / "out"), task), ShardRecord)
        list(worker.process(task))
        assert record.stat().st_mtime_ns == first


def test_what_a_lost_worker_had_begun_to_write_is_not_among_the_results(tmp_path):
    write_csv(tmp_path / "a.csv", 20)

    def lose_one(tasks, model, follow):
        loop()(tasks, model, follow)
        (tmp_path / "out" / "parts" / ".part-of-a-dead-worker").write_bytes(b"half")
        return []

    assert score(request(tmp_path / "a.csv", output=tmp_path / "out"), lose_one).exit_code == 0
    run(tmp_path / "a.csv", output=tmp_path / "loop")
    assert digests(tmp_path / "out") == digests(tmp_path / "loop")


@pytest.mark.usefixtures("_numpy_model")
def test_a_worker_without_a_submitter_does_nothing(tmp_path):
    write_csv(tmp_path / "a.csv", 20)
    [task, *_] = planned(tmp_path)
    list(
        beam.ScoreShard(
            ModelRef("/models/1", "ab" * 32), RemoteSubmitter(str(tmp_path / "out"), "lock/x.json")
        ).process(task)
    )
    assert not (tmp_path / "out" / task.record_name).exists()


@pytest.mark.usefixtures("_numpy_model")
def test_on_a_runner_that_may_be_elsewhere_the_submitter_is_a_lease(tmp_path, monkeypatch):
    """Beam's own in-process runner, taken for a cluster."""
    monkeypatch.setattr(beam, "is_elsewhere", lambda options: True)
    write_csv(tmp_path / "a.csv", 60)

    runner = EngineRunner(BeamRunner(1, ["--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"]))
    held = []

    def show(reader):
        held.append(list((tmp_path / "out" / "lock").iterdir()))

    assert score(request(tmp_path / "a.csv", output=tmp_path / "out"), runner, show).exit_code == 0
    assert all(held)
    run(tmp_path / "a.csv", output=tmp_path / "loop")
    assert digests(tmp_path / "out") == digests(tmp_path / "loop")
