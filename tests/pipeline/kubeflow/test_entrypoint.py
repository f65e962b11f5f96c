"""Messages of other shapes than the recorded ones, put through the entry point up to the executor and back."""

import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from tfx.dsl.components.base.base_executor import BaseExecutor

from pipeline.kubeflow import entrypoint

Sent = dict[str, Any]
SPEC = {"parameters": {"count": {"parameterType": "NUMBER_INTEGER"}, "share": {"parameterType": "NUMBER_DOUBLE"}}}
SCHEMA = {"instanceSchema": "title: tfx.Schema\ntype: object\n"}


@pytest.fixture
def got(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the executor was called with."""
    seen: dict[str, Any] = {}

    class Executor(BaseExecutor):
        def Do(self, inputs: Any, outputs: Any, properties: dict[str, Any]) -> None:
            seen.update(inputs=inputs, outputs=outputs, properties=properties)

    package = types.ModuleType("ours")
    package.__dict__["Executor"] = Executor
    monkeypatch.setitem(sys.modules, "ours", package)
    return seen


def message(output_file: str, **inputs: Any) -> Sent:
    schema = {"name": "schema", "type": SCHEMA, "uri": f"{output_file.rpartition('/')[0]}/schema"}
    return {"inputs": inputs, "outputs": {"artifacts": {"schema": {"artifacts": [schema]}}, "outputFile": output_file}}


def run(*words: str) -> int:
    return entrypoint.main(["--executor_class_path", "ours.Executor", *words])


def test_parameters_keep_their_types(got: dict[str, Any], tmp_path: Path) -> None:
    sent = message(f"{tmp_path}/out.json", parameterValues={"count": 3.0, "share": 3, "well": False, "text": "3"})
    spec = json.dumps(SPEC)
    assert run("--json_serialized_invocation_args", json.dumps(sent), "--json_serialized_inputs_spec_args", spec) == 0
    assert got["properties"] == {"count": 3, "share": 3.0, "well": False, "text": "3"}
    assert {name: type(value) for name, value in got["properties"].items()} == {
        "count": int,
        "share": float,
        "well": bool,
        "text": str,
    }


def test_the_message_may_stand_anywhere_and_be_joined_to_its_flag(got: dict[str, Any], tmp_path: Path) -> None:
    sent = json.dumps(message(f"{tmp_path}/out.json"))
    words = [
        "--direct_num_workers=1",
        f"--json_serialized_invocation_args={sent}",
        "--json_serialized_inputs_spec_args={}",
    ]
    assert entrypoint.main([*words, "--executor_class_path=ours.Executor", "--runner=DirectRunner"]) == 0
    assert got["properties"] == {}
    [written] = json.loads((tmp_path / "out.json").read_text())["artifacts"]["schema"]["artifacts"]
    assert (written["name"], written["uri"]) == ("schema", f"{tmp_path}/schema")


@pytest.mark.parametrize("inputs", [{}, {"artifacts": {}}, {"parameterValues": {}, "artifacts": {"warm": {}}}])
def test_a_step_without_inputs(inputs: Sent, got: dict[str, Any], tmp_path: Path) -> None:
    assert run("--json_serialized_invocation_args", json.dumps(message(f"{tmp_path}/out.json", **inputs))) == 0
    assert got["inputs"] == {}


def test_vertex_s_message_keeps_its_uris(got: dict[str, Any], tmp_path: Path) -> None:
    model = {"name": "projects/1/artifacts/7", "uri": "gs://b/1/job/Trainer_-8/model", "metadata": {"blessed": 1.0}}
    model["type"] = {"schemaTitle": "tfx.Model", "schemaVersion": "0.0.1"}
    inputs = {"artifacts": {"model": {"artifacts": [model]}}, "parameterValues": {"count": 3.0}}
    sent = message(f"file://{tmp_path}/out.json", **inputs)
    spec = json.dumps(SPEC | {"artifacts": {"model": {"artifactType": {"instanceSchema": "title: tfx.Model\n"}}}})
    words = ("--stage", "Judge", "--json_serialized_inputs_spec_args", spec)
    assert run("--json_serialized_invocation_args", json.dumps(sent), *words) == 0
    [read] = got["inputs"]["model"]
    assert (read.uri, read.get_int_custom_property("blessed")) == ("gs://b/1/job/Trainer_-8/model", 1)
    [left] = got["outputs"]["schema"]
    assert left.uri == f"file://{tmp_path}/schema"
    assert got["properties"] == {"count": 3}


def test_parameters_of_a_pipeline_spec_before_2_1(got: dict[str, Any], tmp_path: Path) -> None:
    parameters = {"count": {"intValue": "3"}, "text": {"stringValue": "3"}}
    sent = message(f"file://{tmp_path}/out.json", parameters=parameters)
    assert run("--json_serialized_invocation_args", json.dumps(sent)) == 0
    assert got["properties"] == {"count": 3, "text": "3"}
