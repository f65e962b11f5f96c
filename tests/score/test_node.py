import json

import pytest
from tfx.types import standard_artifacts

from components.errors import ScoringIncomplete
from components.score.node import BatchScorer, ScoredBeats
from components.score.settings import BatchSettings
from tests.push.test_nodes import artifact, executed
from tests.score.jobs import read_parts, write_csv


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
