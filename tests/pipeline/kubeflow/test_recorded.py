"""Every call recorded from Kubeflow's launcher, put through our entry point up to the executor and back."""

import argparse
import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types.artifact import Artifact
from tfx.types.value_artifact import ValueArtifact

from pipeline.kubeflow import entrypoint, translate

RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.json"))

Artifacts = dict[str, list[Artifact]]


class Step:
    """What an executor was called with, and what the recorded step wrote, for the executor to write again."""

    def __init__(self, pod: Path, recorded: dict[str, Any]) -> None:
        self.sent = recorded["launcher_flags"]["--executor_input"]
        self.expected = recorded["output_file_written_by_the_step"]
        self.pod = pod
        self.inputs: Artifacts = {}
        self.outputs: Artifacts = {}
        self.properties: dict[str, Any] = {}

    def do(self, inputs: Artifacts, outputs: Artifacts, properties: dict[str, Any]) -> None:
        self.inputs, self.outputs, self.properties = inputs, outputs, properties
        for key, listed in self.expected["artifacts"].items():
            [artifact] = outputs[key]
            if isinstance(artifact, ValueArtifact):
                Path(artifact.uri).parent.mkdir(parents=True)
                artifact.value = int(self.expected["parameterValues"][key])
                continue
            for name, value in listed["artifacts"][0]["metadata"].items():
                put(artifact, name, as_in_the_pod(value))


def put(artifact: Artifact, name: str, value: Any) -> None:
    if name in (artifact.PROPERTIES or {}):
        setattr(artifact, name, int(value) if isinstance(value, float) else value)
    elif isinstance(value, str):
        artifact.set_string_custom_property(name.removeprefix("custom:"), value)
    elif isinstance(value, float):
        artifact.set_int_custom_property(name.removeprefix("custom:"), int(value))
    else:
        artifact.set_json_value_custom_property(name, value)


def as_in_the_pod(value: Any) -> Any:
    return translate.local_path(value) if isinstance(value, str) else value


@pytest.fixture
def step(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Step:
    """Run a recorded call; its pod's folders are below `tmp_path`, its executor is ours."""
    recorded = json.loads(request.param.read_text(encoding="utf-8"))
    monkeypatch.setattr(translate, "MOUNTS", {"minio": f"{tmp_path}/minio/"})
    step = Step(tmp_path, recorded)
    outputs = step.sent["outputs"]
    outputs["outputFile"] = str(tmp_path) + outputs["outputFile"]
    for parameter in outputs.get("parameters", {}).values():
        parameter["outputFile"] = str(tmp_path) + parameter["outputFile"]
    if "input_base" in step.sent["inputs"].get("parameterValues", {}):
        step.sent["inputs"]["parameterValues"]["input_base"] = str(tmp_path)
        for name in ("mitbih_train.csv", "mitbih_test.csv"):
            (tmp_path / name).write_text("0\n", encoding="ascii")

    class Executor(BaseExecutor):
        def Do(self, inputs: Artifacts, outputs: Artifacts, properties: dict[str, Any]) -> None:
            step.do(inputs, outputs, properties)

    class EcgRejects(Artifact):
        TYPE_NAME = "ecg.EcgRejects"

    package = types.ModuleType("ecg")
    package.__dict__.update(Executor=Executor, EcgRejects=EcgRejects)
    monkeypatch.setitem(sys.modules, "ecg", package)
    command = recorded["command"]
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--executor_class_path")
    _, rest = parser.parse_known_args(command[command.index("walk.entrypoint") + 1 :])
    filled = [json.dumps(step.sent) if argument == "{{$}}" else argument for argument in rest]
    assert entrypoint.main(["--executor_class_path", "ecg.Executor", *filled]) == 0
    return step


every_call = pytest.mark.parametrize("step", RECORDED, indirect=True, ids=lambda path: path.stem)


def test_there_are_recordings() -> None:
    assert len(RECORDED) == 13


@every_call
def test_the_executor_gets_typed_local_artifacts_without_kubeflows_own(step: Step) -> None:
    sent = step.sent["inputs"].get("artifacts", {})
    assert step.inputs.keys() == sent.keys()
    for key, listed in sent.items():
        [artifact] = step.inputs[key]
        assert type(artifact) is not Artifact
        assert artifact.uri == f"{step.pod}/minio/" + listed["artifacts"][0]["uri"].removeprefix("minio://")
        assert not artifact.has_custom_property("store_session_info")
        assert not artifact.has_custom_property("display_name")
    assert step.outputs.keys() == step.sent["outputs"]["artifacts"].keys() - {"executor-logs"}
    assert all(artifact.uri.startswith(f"{step.pod}/minio/") for [artifact] in step.outputs.values())


@every_call
def test_the_executor_gets_every_parameter_by_its_type(step: Step) -> None:
    for name, value in step.sent["inputs"].get("parameterValues", {}).items():
        assert step.properties[name] == value
        assert type(step.properties[name]) is type(value)


@every_call
def test_kubeflow_gets_back_what_it_recorded(step: Step) -> None:
    written = json.loads(Path(step.sent["outputs"]["outputFile"]).read_text(encoding="utf-8"))
    assert written == step.expected


@pytest.mark.parametrize("step", [path for path in RECORDED if path.stem == "CountAnomalies"], indirect=True)
def test_wrapped_metadata_arrives_as_it_was_written(step: Step) -> None:
    [anomalies] = step.inputs["anomalies"]
    assert anomalies.get_json_value_custom_property("blessed") == {"eval": 1, "test": 1, "train": 1}


@pytest.mark.parametrize("step", [path for path in RECORDED if path.stem == "EcgExampleGen"], indirect=True)
def test_an_example_gen_over_files_has_its_span_and_fingerprint(step: Step) -> None:
    assert step.properties["span"] == 0
    assert step.properties["input_fingerprint"].startswith("split:train,num_files:1,total_bytes:2,")
