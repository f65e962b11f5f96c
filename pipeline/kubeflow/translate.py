"""What Kubeflow sends to a step, put as TFX expects it, and what TFX writes, put as Kubeflow expects it.

Vertex AI sends the same messages without what is put right here: its output file is a URI, Kubeflow's a local path,
and that tells the two apart. Messages are JSON as parsed (`ExecutorInput`, `ExecutorOutput`); what is given to these
functions stays unchanged.
"""

from __future__ import annotations

import json
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


def remote_uri(path: str) -> str:
    """The artifact of a local copy; anything else stays as it is."""
    for scheme, folder in MOUNTS.items():
        if path.startswith(folder):
            return f"{scheme}://{path.removeprefix(folder)}"
    return path


def step_input(executor_input: Json, inputs_spec: Json) -> Json:
    """Put an ExecutorInput as TFX expects it.

    Args:
        executor_input: as sent.
        inputs_spec: the component's input definitions as compiled, from the step's command line.
    """
    told = deepcopy(executor_input)
    inputs, outputs = told.get("inputs", {}), told["outputs"]
    read, left = (_present(side.get("artifacts", {})) for side in (inputs, outputs))
    _give_types(read, inputs_spec.get("artifacts", {}))
    read, left = ({key: listed for key, listed in side.items() if _is_ours(listed)} for side in (read, left))
    left.pop(LOGS_OUTPUT, None)
    if has_local_copies(executor_input):
        for artifact in _artifacts(read) + _artifacts(left):
            artifact["uri"] = _copy(artifact)
            if "metadata" in artifact:
                artifact["metadata"] = _own_metadata(artifact["metadata"])
    for side, artifacts in ((inputs, read), (outputs, left)):
        if "artifacts" in side:
            side["artifacts"] = artifacts
    if "parameterValues" in inputs:
        inputs["parameterValues"] = _as_scalars(inputs["parameterValues"])
    return told


def _present(by_key: Json) -> Json:
    """Leave out inputs that were not given: Kubeflow sends an optional one without artifacts."""
    return {key: listed for key, listed in by_key.items() if listed.get("artifacts")}


def _give_types(inputs: Json, declared: Json) -> None:
    """Write the compiled types into input artifacts: Kubeflow sends empty ones."""
    for key, listed in inputs.items():
        for artifact in listed["artifacts"]:
            if key in declared:
                artifact["type"] = declared[key]["artifactType"]


def _is_ours(listed: Json) -> bool:
    """Whether artifacts have a type that TFX can know: what Kubeflow adds for itself has one of its own, or none."""
    types = [artifact.get("type", {}) for artifact in listed["artifacts"]]
    return all(
        kind.get("instanceSchema") or not kind.get("schemaTitle", "system.").startswith("system.") for kind in types
    )


def _as_scalars(values: Json) -> Json:
    """Put lists and objects as JSON, as TFX's own properties of that kind are; one without a value was not given."""
    return {
        name: json.dumps(value) if isinstance(value, (dict, list)) else value
        for name, value in values.items()
        if value is not None
    }


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
    remote = {_copy(artifact): artifact["uri"] for artifact in _all_artifacts(executor_input)}
    told: Json = _renamed(executor_output, remote)
    for artifact in _artifacts(told.get("artifacts", {})):
        kept = {key: value for key, value in artifact.get("metadata", {}).items() if value is not None}
        if "metadata" in artifact:
            artifact["metadata"] = kept
    return told


def _all_artifacts(executor_input: Json) -> list[Json]:
    sides = (executor_input.get("inputs", {}), executor_input["outputs"])
    return [artifact for side in sides for artifact in _artifacts(side.get("artifacts", {}))]


def _copy(artifact: Json) -> str:
    """Where the launcher keeps an artifact's copy: at a path of its own where the pipeline names one."""
    return str(artifact.get("customPath") or local_path(artifact["uri"]))


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
    return [artifact for listed in by_key.values() for artifact in listed.get("artifacts", [])]
