"""Messages of this graph's shape, put through the entry point up to the executor and back."""

import json
import sys
import types
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from tfx.dsl.components.base.base_executor import BaseExecutor

from pipeline.kubeflow import entrypoint, uris
from pipeline.kubeflow.entrypoint import step_input, step_output
from tests.pipeline.kubeflow.pod import mounts_of

REPORT = {"instanceSchema": "title: heartbeat.IngestReport\ntype: object\n"}
SCHEMA = {"instanceSchema": "title: tfx.Schema\ntype: object\n"}
SPEC: dict[str, Any] = {
    "artifacts": {"report": {"artifactType": REPORT}},
    "parameters": {"count": {"parameterType": "NUMBER_INTEGER"}, "text": {"parameterType": "STRING"}},
}


def message(metadata: dict[str, Any]) -> dict[str, Any]:
    """An ExecutorInput as Kubeflow sends it: empty input types, its own notes and its own output."""
    report = {"name": "7", "uri": "minio://b/run/report", "type": {"instanceSchema": ""}, "metadata": metadata}
    outputs = {
        "schema": {"artifacts": [{"name": "schema", "uri": "minio://b/run/schema", "type": SCHEMA}]},
        "executor-logs": {"artifacts": [{"name": "executor-logs", "uri": "minio://b/run/executor-logs-0"}]},
    }
    return {
        "inputs": {"artifacts": {"report": {"artifacts": [report]}}, "parameterValues": {"count": 3.0, "text": "3"}},
        "outputs": {"artifacts": outputs, "outputFile": "/minio/b/run/output.json"},
    }


def test_input_artifacts_get_their_types_and_local_copies_and_lose_what_kubeflow_adds() -> None:
    sent = message(
        {
            "blessed": {"struct": {"list": [1]}},
            "splits": {"list": ["train", "eval"]},
            "pair": {"a": 1, "b": 2},
            "one": {"a": 1},
            "display_name": "report",
            "store_session_info": "{}",
        }
    )
    before = deepcopy(sent)
    received = step_input(sent, SPEC)
    assert sent == before
    assert received["inputs"]["artifacts"]["report"]["artifacts"] == [
        {
            "name": "7",
            "uri": "/minio/b/run/report",
            "type": REPORT,
            "metadata": {
                "blessed": {"list": [1]},
                "splits": ["train", "eval"],
                "pair": {"a": 1, "b": 2},
                "one": {"a": 1},
            },
        }
    ]
    assert received["outputs"]["artifacts"].keys() == {"schema"}
    assert received["outputs"]["artifacts"]["schema"]["artifacts"][0]["uri"] == "/minio/b/run/schema"


def test_a_step_without_artifacts_is_no_special_case() -> None:
    sent = {"outputs": {"outputFile": "/minio/b/output.json"}}
    assert step_input(sent, {}) == sent
    assert step_output({}, sent) == {}


def test_local_copies_in_the_output_become_uris_wherever_they_are() -> None:
    metadata = {"of": "/minio/b/run/report/ingest.json", "all": ["/minio/b/run/report", "/serving/12"]}
    written = {"artifacts": {"schema": {"artifacts": [{"uri": "/minio/b/run/schema", "metadata": metadata}]}}}
    [schema] = step_output(written, message({}))["artifacts"]["schema"]["artifacts"]
    assert schema["uri"] == "minio://b/run/schema"
    assert schema["metadata"] == {
        "of": "minio://b/run/report/ingest.json",
        "all": ["minio://b/run/report", "/serving/12"],
    }


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """What the executor was called with; the launcher's folders are below `tmp_path`."""
    seen: dict[str, Any] = {}

    class Executor(BaseExecutor):
        def Do(self, inputs: Any, outputs: Any, properties: dict[str, Any]) -> None:
            seen.update(inputs=inputs, outputs=outputs, properties=properties)

    package = types.ModuleType("ours")
    package.__dict__["Executor"] = Executor
    monkeypatch.setitem(sys.modules, "ours", package)
    monkeypatch.setattr(uris, "MOUNTS", mounts_of(tmp_path))
    return seen


def test_the_executor_gets_typed_artifacts_and_parameters_and_kubeflow_its_output(
    calls: dict[str, Any], tmp_path: Path
) -> None:
    sent = message({"blessed": {"struct": {"eval": 1}}})
    sent["outputs"]["outputFile"] = f"{tmp_path}/minio/b/run/output.json"
    words = [
        "--runner=DirectRunner",
        "--json_serialized_invocation_args",
        json.dumps(sent),
        f"--json_serialized_inputs_spec_args={json.dumps(SPEC)}",
        "--executor_class_path=ours.Executor",
    ]
    assert entrypoint.main(words) == 0
    [report] = calls["inputs"]["report"]
    assert report.TYPE_NAME == "heartbeat.IngestReport"
    assert report.uri == f"{tmp_path}/minio/b/run/report"
    assert report.get_json_value_custom_property("blessed") == {"eval": 1}
    assert calls["outputs"].keys() == {"schema"}
    assert calls["properties"] == {"count": 3, "text": "3"}
    assert type(calls["properties"]["count"]) is int
    written = json.loads(Path(sent["outputs"]["outputFile"]).read_text(encoding="utf-8"))
    [schema] = written["artifacts"]["schema"]["artifacts"]
    assert (schema["name"], schema["uri"]) == ("schema", "minio://b/run/schema")
