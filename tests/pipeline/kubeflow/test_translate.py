from copy import deepcopy
from typing import Any

from pipeline.kubeflow.translate import local_path, step_input, step_output

SPEC = {"artifacts": {"report": {"artifactType": {"instanceSchema": "title: heartbeat.IngestReport\n"}}}}


def sent(scheme: str, output_file: str, metadata: dict[str, Any]) -> dict[str, Any]:
    report = {"name": "7", "uri": f"{scheme}://b/run/report", "type": {"instanceSchema": ""}, "metadata": metadata}
    verdict = {"name": "verdict", "uri": f"{scheme}://b/run/verdict", "type": {"instanceSchema": "title: tfx.Model\n"}}
    return {
        "inputs": {"artifacts": {"report": {"artifacts": [report]}}},
        "outputs": {"artifacts": {"verdict": {"artifacts": [verdict]}}, "outputFile": output_file},
    }


def test_each_store_has_its_folder() -> None:
    assert local_path("minio://b/x") == "/minio/b/x"
    assert local_path("s3://b/x") == "/s3/b/x"
    assert local_path("gs://b/x") == "/gcs/b/x"
    assert local_path("https://host/x") == "https://host/x"
    assert local_path("/data/x") == "/data/x"


def test_metadata_is_unwrapped_once_and_freed_of_what_kubeflow_notes() -> None:
    metadata = {
        "told": {"struct": {"list": [1]}},
        "splits": {"list": ["train", "eval"]},
        "pair": {"a": 1, "b": 2},
        "one": {"a": 1},
        "none": None,
        "display_name": "report",
        "store_session_info": "{}",
    }
    given = sent("s3", "/s3/b/run/output.json", metadata)
    before = deepcopy(given)
    [report] = step_input(given, SPEC)["inputs"]["artifacts"]["report"]["artifacts"]
    assert report["metadata"] == {
        "told": {"list": [1]},
        "splits": ["train", "eval"],
        "pair": {"a": 1, "b": 2},
        "one": {"a": 1},
    }
    assert report["uri"] == "/s3/b/run/report"
    assert report["type"] == SPEC["artifacts"]["report"]["artifactType"]
    assert given == before


def test_what_vertex_sends_keeps_its_uris_and_metadata() -> None:
    given = sent("gs", "gs://b/run/output.json", {"told": {"struct": 1}})
    told = step_input(given, SPEC)
    [report] = told["inputs"]["artifacts"]["report"]["artifacts"]
    assert (report["uri"], report["metadata"]) == ("gs://b/run/report", {"told": {"struct": 1}})
    assert told["outputs"] == given["outputs"]


def test_a_step_without_inputs_or_outputs_is_no_special_case() -> None:
    given = {"outputs": {"outputFile": "/minio/b/output.json"}}
    assert step_input(given, {}) == given
    assert step_output({}, given) == {}


def test_local_paths_of_artifacts_become_uris_wherever_they_stand_and_nulls_are_dropped() -> None:
    given = sent("minio", "/minio/b/run/output.json", {})
    written = {
        "artifacts": {
            "verdict": {
                "artifacts": [
                    {
                        "uri": "/minio/b/run/verdict",
                        "metadata": {
                            "of": "/minio/b/run/report/ingest.json",
                            "all": ["/minio/b/run/report", "/serving/12"],
                            "none": None,
                        },
                    }
                ]
            }
        },
        "parameterValues": {"place": "/minio/b/run/verdict"},
    }
    told = step_output(written, given)
    [verdict] = told["artifacts"]["verdict"]["artifacts"]
    assert verdict["uri"] == "minio://b/run/verdict"
    assert verdict["metadata"] == {
        "of": "minio://b/run/report/ingest.json",
        "all": ["minio://b/run/report", "/serving/12"],
    }
    assert told["parameterValues"] == {"place": "minio://b/run/verdict"}
