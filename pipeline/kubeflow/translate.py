"""What Kubeflow sends to a step, put as TFX expects it, and what TFX writes, put as Kubeflow expects it.

Vertex AI sends the same messages without what is put right here: its output file is a URI, Kubeflow's a local path,
and that tells the two apart. Messages are JSON as parsed (`ExecutorInput`, `ExecutorOutput`); what is given to these
functions stays unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

Json = dict[str, Any]

MOUNTS: Final = {"minio": "/minio/", "s3": "/s3/", "gs": "/gcs/"}
"""Scheme -> folder where Kubeflow's launcher keeps local copies: inputs are there, outputs are uploaded from there."""

LOGS_OUTPUT: Final = "executor-logs"
"""An output that Kubeflow adds to every task for itself; TFX knows no such type."""

FOREIGN_METADATA: Final = frozenset({"display_name", "store_session_info"})
"""What Kubeflow notes on artifacts for itself; TFX would hand it on as properties of ours."""


def has_local_copies(executor_input: Json) -> bool:
    """Whether the sender keeps local copies of artifacts, as open-source Kubeflow does and Vertex AI does not."""
    return "://" not in executor_input["outputs"]["outputFile"]


def local_path(uri: str) -> str:
    """The local copy of an artifact; a URI that the launcher does not copy stays as it is."""
    scheme, found, rest = uri.partition("://")
    return MOUNTS[scheme] + rest if found and scheme in MOUNTS else uri


def step_input(executor_input: Json, inputs_spec: Json) -> Json:
    """Put an ExecutorInput as TFX expects it.

    Args:
        executor_input: as sent.
        inputs_spec: the component's input definitions as compiled, from the step's command line.
    """
    told = deepcopy(executor_input)
    inputs = told.get("inputs", {}).get("artifacts", {})
    outputs = told["outputs"].get("artifacts", {})
    outputs.pop(LOGS_OUTPUT, None)
    _give_types(inputs, inputs_spec.get("artifacts", {}))
    if has_local_copies(executor_input):
        for artifact in _artifacts(inputs) + _artifacts(outputs):
            artifact["uri"] = local_path(artifact["uri"])
            if "metadata" in artifact:
                artifact["metadata"] = _own_metadata(artifact["metadata"])
    return told


def _give_types(inputs: Json, declared: Json) -> None:
    """Write the compiled types into input artifacts: Kubeflow sends empty ones."""
    for key, listed in inputs.items():
        for artifact in listed["artifacts"]:
            if key in declared:
                artifact["type"] = declared[key]["artifactType"]


def _own_metadata(metadata: Json) -> Json:
    """Keep what a step of ours wrote, as it was written: Kubeflow wraps lists and objects, and adds notes."""
    return {
        key: _unwrapped(value) for key, value in metadata.items() if key not in FOREIGN_METADATA and value is not None
    }


def _unwrapped(value: Any) -> Any:
    if isinstance(value, dict) and len(value) == 1:
        return value.get("struct", value.get("list", value))
    return value


def step_output(executor_output: Json, executor_input: Json) -> Json:
    """Put an ExecutorOutput as Kubeflow expects it: remote URIs everywhere, and no null in metadata.

    Args:
        executor_output: as TFX wrote it.
        executor_input: as it was sent to the step.
    """
    remote = {local_path(uri): uri for uri in _uris(executor_input)}
    told: Json = _renamed(executor_output, remote)
    for artifact in _artifacts(told.get("artifacts", {})):
        kept = {key: value for key, value in artifact.get("metadata", {}).items() if value is not None}
        if "metadata" in artifact:
            artifact["metadata"] = kept
    return told


def _uris(executor_input: Json) -> list[str]:
    sides = (executor_input.get("inputs", {}), executor_input["outputs"])
    return [artifact["uri"] for side in sides for artifact in _artifacts(side.get("artifacts", {}))]


def _renamed(value: Any, remote: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(inner, remote) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, remote) for inner in value]
    if isinstance(value, str):
        for local, uri in remote.items():
            value = value.replace(local, uri)
    return value


def _artifacts(by_key: Json) -> list[Json]:
    return [artifact for listed in by_key.values() for artifact in listed["artifacts"]]
