"""What Kubeflow's driver and launcher do to one task of a compiled spec, without a cluster.

Inputs and outputs look as in the recordings: empty input types, `executor-logs`, minio:// URIs with local copies, and
metadata wrapped and noted upon. A pod is an empty folder; an object store is another; files are copied between them.
"""

import json
import shutil
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from pipeline.kubeflow import entrypoint, translate

BUCKET = "minio://mlpipeline/v2/artifacts/heartbeat/run-1"
LOGS = {"schemaTitle": "system.Artifact"}


class Walk:
    """A run of a spec.

    Args:
        spec: the compiled pipeline spec.
        folder: where pods and the object store lie.
        monkeypatch: points the launcher's mounts into the pod.
        parameters: values of runtime parameters, instead of their defaults.
    """

    def __init__(
        self, spec: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch, parameters: dict[str, str]
    ) -> None:
        self.spec = spec
        self.store = folder / "store"
        self._folder = folder
        self._monkeypatch = monkeypatch
        declared = spec["root"]["inputDefinitions"]["parameters"]
        self._parameters = {name: value["defaultValue"] for name, value in declared.items()} | parameters
        self._artifacts: dict[tuple[str, str], dict[str, Any]] = {}

    def run(self, stage: str) -> int:
        """Run one task's step and return its exit code; its outputs are uploaded if it is 0."""
        pod = self._folder / f"pod-{stage}"
        mounts = {scheme: f"{pod}{folder}" for scheme, folder in (("minio", "/minio/"), ("s3", "/s3/"))}
        self._monkeypatch.setattr(translate, "MOUNTS", mounts)
        sent = self.executor_input(stage)
        for key in sent["inputs"]["artifacts"]:
            for artifact in sent["inputs"]["artifacts"][key]["artifacts"]:
                shutil.copytree(self.stored(artifact["uri"]), translate.local_path(artifact["uri"]))
        output_file = Path(sent["outputs"]["outputFile"])
        output_file.parent.mkdir(parents=True)
        code = entrypoint.main(self.arguments(stage, sent))
        if code == 0:
            self._upload(stage, json.loads(output_file.read_text(encoding="utf-8")))
        return code

    def arguments(self, stage: str, sent: dict[str, Any]) -> list[str]:
        """The step's arguments, with the placeholder filled in."""
        label = self.spec["components"][stage]["executorLabel"]
        container = self.spec["deploymentSpec"]["executors"][label]["container"]
        return [json.dumps(sent) if argument == "{{$}}" else argument for argument in container["args"]]

    def executor_input(self, stage: str) -> dict[str, Any]:
        """What the driver makes of a task."""
        task, component = self.spec["root"]["dag"]["tasks"][stage], self.spec["components"][stage]
        values = {}
        for name, given in task["inputs"].get("parameters", {}).items():
            if "componentInputParameter" in given:
                values[name] = self._parameters[given["componentInputParameter"]]
            else:
                values[name] = given["runtimeValue"]["constant"]
        inputs = {}
        for name, given in task["inputs"].get("artifacts", {}).items():
            origin = given["taskOutputArtifact"]
            artifact = deepcopy(self._artifacts[origin["producerTask"], origin["outputArtifactKey"]])
            artifact["type"] = {"instanceSchema": ""}
            inputs[name] = {"artifacts": [artifact]}
        root = f"{BUCKET}/{stage}/attempt"
        types = {
            key: one["artifactType"]
            for key, one in component.get("outputDefinitions", {"artifacts": {}})["artifacts"].items()
        }
        outputs = {
            key: {"artifacts": [{"name": key, "type": kind, "uri": f"{root}/{key}"}]}
            for key, kind in ({"executor-logs": LOGS} | types).items()
        }
        return {
            "inputs": {"parameterValues": values, "artifacts": inputs},
            "outputs": {"artifacts": outputs, "outputFile": translate.local_path(f"{root}/output_metadata.json")},
        }

    def stored(self, uri: str) -> Path:
        """Where an uploaded artifact lies in the object store."""
        return self.store / uri.removeprefix("minio://")

    def _upload(self, stage: str, written: dict[str, Any]) -> None:
        for key, listed in written.get("artifacts", {}).items():
            [artifact] = listed["artifacts"]
            assert artifact["uri"].startswith(BUCKET), f"unrecognized uri format: {artifact['uri']}"
            shutil.copytree(translate.local_path(artifact["uri"]), self.stored(artifact["uri"]))
            metadata = {name: _wrapped(value) for name, value in artifact.get("metadata", {}).items()}
            metadata |= {"display_name": key, "store_session_info": '{"Provider":"minio"}'}
            number = str(len(self._artifacts) + 1)
            self._artifacts[stage, key] = {"name": number, "uri": artifact["uri"], "metadata": metadata}


def _wrapped(value: Any) -> Any:
    assert value is not None, "unknown value type null"
    if isinstance(value, dict):
        return {"struct": value}
    return {"list": value} if isinstance(value, list) else value
