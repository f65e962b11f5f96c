from copy import deepcopy
from typing import Any

from pipeline.kubeflow.translate import local_path, remote_uri, step_input, step_output

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


def with_inputs(**inputs: Any) -> dict[str, Any]:
    given = sent("s3", "/s3/b/run/output.json", {})
    given["inputs"] |= inputs
    return given


def test_lists_and_objects_arrive_as_json_and_what_has_no_value_not_at_all() -> None:
    values = {"text": "3", "count": 3, "share": 0.5, "well": True, "all": [1, "a"], "by": {"a": None}, "none": None}
    told = step_input(with_inputs(parameterValues=values), SPEC)["inputs"]["parameterValues"]
    assert told == {"text": "3", "count": 3, "share": 0.5, "well": True, "all": '[1, "a"]', "by": '{"a": null}'}


def test_an_optional_artifact_that_was_not_given_is_not_there() -> None:
    report = sent("s3", "/s3/b/run/output.json", {})["inputs"]["artifacts"]["report"]
    told = step_input(with_inputs(artifacts={"report": report, "warm": {}, "cold": {"artifacts": []}}), SPEC)
    assert told["inputs"]["artifacts"].keys() == {"report"}


def test_outputs_that_kubeflow_adds_for_itself_are_dropped_whatever_their_name() -> None:
    given = sent("s3", "/s3/b/run/output.json", {})
    for key, kind in {
        "executor-logs": {"schemaTitle": "system.Artifact"},
        "metrics": {"schemaTitle": "system.Metrics"},
    }.items():
        given["outputs"]["artifacts"][key] = {"artifacts": [{"name": key, "uri": f"s3://b/run/{key}", "type": kind}]}
    given["outputs"]["artifacts"]["bare"] = {"artifacts": [{"name": "bare", "uri": "s3://b/run/bare"}]}
    assert step_input(given, SPEC)["outputs"]["artifacts"].keys() == {"verdict"}


def test_an_input_with_no_type_of_its_own_and_none_compiled_is_dropped() -> None:
    assert step_input(sent("s3", "/s3/b/run/output.json", {}), {})["inputs"]["artifacts"] == {}


def test_an_artifact_at_a_path_of_its_own_is_read_and_written_there() -> None:
    given = sent("s3", "/s3/b/run/output.json", {})
    given["outputs"]["artifacts"]["verdict"]["artifacts"][0]["customPath"] = "/mnt/verdict"
    told = step_input(given, SPEC)
    [verdict] = told["outputs"]["artifacts"]["verdict"]["artifacts"]
    assert verdict["uri"] == "/mnt/verdict"
    written = {"artifacts": {"verdict": {"artifacts": [{"uri": "/mnt/verdict"}]}}}
    assert step_output(written, given)["artifacts"]["verdict"]["artifacts"] == [{"uri": "s3://b/run/verdict"}]


def test_an_artifact_without_metadata_has_none_afterwards() -> None:
    given = sent("minio", "/minio/b/run/output.json", {})
    del given["inputs"]["artifacts"]["report"]["artifacts"][0]["metadata"]
    [report] = step_input(given, SPEC)["inputs"]["artifacts"]["report"]["artifacts"]
    assert "metadata" not in report


def test_local_copies_are_named_back() -> None:
    for uri in ("minio://b/x", "s3://b/x", "gs://b/x", "/data/x"):
        assert remote_uri(local_path(uri)) == uri
