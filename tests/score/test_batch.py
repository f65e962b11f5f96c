"""A scoring job that nobody watches: it runs where the settings say, and what workers could not see is refused."""

from contextlib import contextmanager

import pytest
from pydantic import ValidationError

from components.errors import EnvironmentRefused, UsageError
from components.score import beam
from components.score.engines.engine import Session
from components.score.engines.flink import Flink
from components.score.node import batch_request, batch_runner
from components.score.run import score
from components.score.settings import BatchSettings
from tests.score.jobs import write_csv

ON_FLINK = BatchSettings(
    on="flink://flink:8081",
    job_endpoint="jobs:8099",
    beam=("--environment_type=EXTERNAL",),
    assume_shared=True,
)


@pytest.fixture
def request_on_flink(tmp_path, saved_model):
    write_csv(tmp_path / "a.csv", 40)
    return batch_request(str(tmp_path / "a.csv"), str(tmp_path / "jobs"), saved_model.uri, ON_FLINK)


def test_a_job_goes_to_the_cluster_with_all_that_the_settings_say(request_on_flink, monkeypatch):
    submitted = []

    @contextmanager
    def session(flink, shards):
        yield Session([f"--flink={flink.address}"])

    def run_on_beam(tasks, model, session, follow):
        submitted.append((session.options, model, len(tasks)))
        return ["it was not run"]

    monkeypatch.setattr(Flink, "session", session)
    monkeypatch.setattr(beam, "run_on_beam", run_on_beam)
    runner = batch_runner(ON_FLINK)
    assert score(request_on_flink, runner).exit_code == 5
    assert submitted == [(["--flink=flink:8081"], request_on_flink.model, 1)]
    assert runner.engine == Flink("flink:8081", ("--environment_type=EXTERNAL",), None, "jobs:8099", None, True)


def test_a_job_on_this_machine_never_scores_in_this_process():
    with batch_runner(BatchSettings()).engine.session(1) as session:
        assert session.processes == 1


def test_a_cluster_that_is_not_there_is_the_environments_fault(request_on_flink):
    settings = ON_FLINK.model_copy(update={"on": "flink://127.0.0.1:9"})
    with pytest.raises(EnvironmentRefused, match=r"127\.0\.0\.1:9"):
        score(request_on_flink, batch_runner(settings))


def test_paths_that_the_workers_do_not_see_are_refused(tmp_path, saved_model):
    write_csv(tmp_path / "a.csv", 40)
    alone = ON_FLINK.model_copy(update={"assume_shared": False})
    with pytest.raises(UsageError, match="do not see"):
        batch_request(str(tmp_path / "a.csv"), "s3://beats/scored", saved_model.uri, alone)


@pytest.mark.parametrize("on", ["flink", "flink://host", "dataflow", "http://host:8081"])
def test_what_is_no_cluster_is_refused_before_anything_runs(on):
    with pytest.raises(ValidationError):
        BatchSettings(on=on)
