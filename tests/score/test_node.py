import json

import pytest
from tfx.types import standard_artifacts

from components.errors import EnvironmentRefused, ScoringIncomplete
from components.io import lock
from components.score.node import BatchScorer, ScoredBeats, batch_request
from components.score.settings import BatchSettings
from tests.push.test_nodes import artifact, executed
from tests.s3_server import s3_server
from tests.score.jobs import read_parts, write_csv


@pytest.fixture(params=["local", "s3"])
def output(request, tmp_path, monkeypatch):
    """Where jobs get folders of their own."""
    if request.param == "local":
        yield str(tmp_path / "out")
        return
    monkeypatch.setattr(lock, "REFRESH_SECONDS", 0.2)
    with s3_server() as server:
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        server.client().create_bucket(Bucket="scored")
        yield "s3://scored/out"


def test_the_second_of_two_scoring_stages_on_one_output_is_refused(output, tmp_path, saved_model):
    write_csv(tmp_path / "a.csv", 5)
    pushed = artifact(standard_artifacts.PushedModel, tmp_path / "pushed")
    pushed.set_string_custom_property("pushed_destination", saved_model.uri)
    settings = BatchSettings()
    job = batch_request(str(tmp_path / "*.csv"), output, saved_model.uri, settings)
    given = {"fingerprint": "x", "code_digest": "y", "input": str(tmp_path / "*.csv"), "output": output}
    with lock.locked(job.output), pytest.raises(EnvironmentRefused, match=r"Another job.* is at work in") as refused:
        executed(
            BatchScorer,
            {"pushed_model": pushed},
            {"scored": artifact(ScoredBeats, tmp_path / "scored")},
            settings=settings.model_dump_json(),
            **given,
        )
    assert refused.value.exit_code == 6
    assert job.output in str(refused.value)


@pytest.mark.slow
def test_the_node_scores_with_the_pushed_model_in_a_folder_of_the_job(tmp_path, saved_model):
    write_csv(tmp_path / "a.csv", 40)
    pushed = artifact(standard_artifacts.PushedModel, tmp_path / "pushed")
    pushed.set_string_custom_property("pushed_destination", saved_model.uri)
    scored = artifact(ScoredBeats, tmp_path / "scored")
    parameters = {"fingerprint": "x", "code_digest": "y", "input": str(tmp_path / "*.csv"), "output": ""}
    settings = BatchSettings().model_dump_json()
    executed(BatchScorer, {"pushed_model": pushed}, {"scored": scored}, settings=settings, **parameters)
    scored_json = json.loads((tmp_path / "scored" / "scored.json").read_text())
    assert scored_json["summary"]["rows"]["scored"] == 40
    assert read_parts(scored_json["output"]).num_rows == 40

    with (tmp_path / "a.csv").open("a") as file:
        file.write("broken\nbroken\n")
    with pytest.raises(ScoringIncomplete, match="2 of 42 rows were rejected"):
        executed(BatchScorer, {"pushed_model": pushed}, {"scored": scored}, settings=settings, **parameters)
