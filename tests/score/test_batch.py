"""A scoring job that nobody watches: it runs where the settings say, and what workers could not see is refused."""

from functools import partial

import pytest
from pydantic import ValidationError

from components.errors import EnvironmentRefused, UsageError
from components.score.batch import batch_request, run_where_set
from components.score.engines import submit
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
    return batch_request(str(tmp_path / "a.csv"), str(tmp_path / "jobs"), saved_model.place, ON_FLINK)


def test_a_job_goes_to_the_cluster_with_all_that_the_settings_say(request_on_flink, monkeypatch):
    asked = []

    def run_on_engine(job, model, tasks, follow):
        asked.append((job, model, len(tasks)))
        return ["it was not run"]

    monkeypatch.setattr(submit, "run_on_engine", run_on_engine)
    summary = score(request_on_flink, partial(run_where_set, ON_FLINK, request_on_flink.model))
    assert summary.exit_code == 5
    [(job, model, tasks)] = asked
    assert (job.engine.kind, job.engine.address, job.job_endpoint) == ("flink", "flink:8081", "jobs:8099")
    assert (job.workers, tuple(job.options)) == (None, ("--environment_type=EXTERNAL",))
    assert (model, tasks) == (request_on_flink.model, 1)


def test_a_cluster_that_is_not_there_is_the_environments_fault(request_on_flink):
    settings = ON_FLINK.model_copy(update={"on": "flink://127.0.0.1:9"})
    with pytest.raises(EnvironmentRefused, match=r"127\.0\.0\.1:9"):
        score(request_on_flink, partial(run_where_set, settings, request_on_flink.model))


def test_paths_that_the_workers_do_not_see_are_refused(tmp_path, saved_model):
    write_csv(tmp_path / "a.csv", 40)
    alone = ON_FLINK.model_copy(update={"assume_shared": False})
    with pytest.raises(UsageError, match="do not see"):
        batch_request(str(tmp_path / "a.csv"), "s3://beats/scored", saved_model.place, alone)


@pytest.mark.parametrize("on", ["flink", "flink://host", "dataflow", "http://host:8081"])
def test_what_is_no_cluster_is_refused_before_anything_runs(on):
    with pytest.raises(ValidationError):
        BatchSettings(on=on)
