"""What Kubeflow's compiler, driver and launcher do to a compiled spec, without a cluster.

Written beside the recordings and the sources of Kubeflow 2.17: empty input types, `executor-logs`, minio:// URIs with
local copies, metadata wrapped and noted upon, its cache key, exit tasks. A pod is an empty folder and a process in a
clean environment; the object store is an S3 server; what is kept of artifacts stands for MLMD.
"""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.kubeflow import entrypoint, uris
from tests.pipeline.kubeflow.pod import mounts_of
from tests.s3_server import S3Server

TOP = Path(__file__).parents[3]
BUCKET = "mlpipeline"
LAUNCHERS_ROOT = f"minio://{BUCKET}/v2/artifacts"
"""The root of a run that names none, by the launcher's own settings."""

SECRET = "store-keys"
"""Name of the Kubernetes secret with the store's credentials."""

EXIT_TASK = "ALL_UPSTREAM_TASKS_COMPLETED"
SESSION = (
    '{"Provider":"minio","Params":{"disableSSL":"true","fromEnv":"false","secretName":"mlpipeline-minio-artifact"}}'
)

Spec = dict[str, Any]
Launch = Callable[[Path, list[str], dict[str, str], Path], int]
"""Starts a step's command: its pod, the command, the environment, the file of its log; returns the exit code."""


def as_process(pod: Path, command: list[str], environ: dict[str, str], log: Path) -> int:
    """Start a command as a process of its own, with this environment and no more."""
    wrapped = [sys.executable, "-m", "tests.pipeline.kubeflow.pod", str(pod), *command]
    base = {"PATH": "/usr/bin:/bin", "HOME": "/", "TMPDIR": str(pod / "tmp"), "PYTHONPATH": str(TOP)}
    (pod / "tmp").mkdir()
    with log.open("wb") as file:
        done = subprocess.run(wrapped, cwd=pod, env=base | environ, stdout=file, stderr=subprocess.STDOUT, check=False)
    return done.returncode


def in_this_process(pod: Path, command: list[str], environ: dict[str, str], log: Path) -> int:
    """Run a step's entry point here, with this environment on top: no process imports TFX anew."""
    with pytest.MonkeyPatch.context() as patch, log.open("w") as file:
        for name, value in environ.items():
            patch.setenv(name, value)
        patch.setattr(uris, "MOUNTS", mounts_of(pod))
        with contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
            return entrypoint.main(command[3:])


def as_processes(stages: Collection[str]) -> Launch:
    """Start the steps of these stages as processes, all others here."""

    def launch(pod: Path, command: list[str], environ: dict[str, str], log: Path) -> int:
        apart = "--stage" in command and command[command.index("--stage") + 1] in stages
        return (as_process if apart else in_this_process)(pod, command, environ, log)

    return launch


@dataclass
class Run:
    """One run.

    Attributes:
        run_id: its id.
        root: pipeline root, which Kubeflow takes from the run and never from the compiled pipeline.
        states: task -> SUCCEEDED, CACHED, FAILED or OMITTED, in the order in which tasks ended.
        codes: task -> exit code of its step.
        logs: task -> what its step wrote.
        artifacts: (task, key) -> artifact, as MLMD has it.
    """

    run_id: str
    root: str
    parameters: dict[str, Any]
    states: dict[str, str] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    artifacts: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)


class Cluster:
    """Kubeflow with one object store: runs share its cache.

    Args:
        server: the object store.
        folder: where pods lie.
        launch: starts a step.
    """

    def __init__(self, server: S3Server, folder: Path, launch: Launch = as_process) -> None:
        self.client = server.client()
        self.client.create_bucket(Bucket=BUCKET)
        self._secrets = {
            SECRET: {name: server.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        }
        self._folder = folder
        self._launch = launch
        self._cache: dict[str, dict[str, dict[str, Any]]] = {}
        self._artifacts = 0

    def run(self, text: str, root: str = LAUNCHERS_ROOT, **given: str) -> Run:
        """Run a compiled pipeline.

        Args:
            text: the YAML, platform document included.
            root: pipeline root in the run's runtime_config.
            given: runtime parameters that were given another value at submit.
        """
        spec, *rest = yaml.safe_load_all(text)
        platform = rest[0]["platforms"]["kubernetes"]["deploymentSpec"]["executors"] if rest else {}
        declared = spec["root"]["inputDefinitions"]["parameters"]
        assert given.keys() <= declared.keys(), "unknown parameter"
        parameters = {name: given.get(name, one.get("defaultValue")) for name, one in declared.items()}
        assert None not in parameters.values(), "parameter is not optional, yet has neither default value nor value"
        run = Run(str(uuid.uuid4()), root, parameters)
        self._run_dag(spec, platform, spec["root"]["dag"], parameters, run)
        return run

    def get(self, uri: str) -> bytes:
        """An object's bytes."""
        bucket, _, key = uri.partition("://")[2].partition("/")
        content: bytes = self.client.get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def objects(self, prefix: str) -> list[str]:
        """URIs of all objects below one."""
        bucket, _, key = prefix.partition("://")[2].partition("/")
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
        return [f"s3://{bucket}/{one['Key']}" for page in pages for one in page.get("Contents", [])]

    def _run_dag(self, spec: Spec, platform: Spec, dag: Spec, parameters: Mapping[str, Any], run: Run) -> bool:
        """Run a DAG's tasks, each behind those it depends on, and the exit tasks of each when it has ended."""
        tasks = dict(dag["tasks"])
        exits = {name: tasks.pop(name) for name in list(tasks) if _strategy(tasks[name]) == EXIT_TASK}
        well = True
        while tasks:
            name = next(name for name, task in tasks.items() if not _depends(task) & tasks.keys())
            task = tasks.pop(name)
            assert _depends(task) <= set(dag["tasks"]), f"unknown producer task in DAG: {name}"
            before = [run.states[one] for one in _depends(task)]
            if all(state in ("SUCCEEDED", "CACHED") for state in before):
                run.states[name] = self._run_task(spec, platform, name, task, parameters, run)
                for exit_name, exit_task in exits.items():
                    if name in exit_task["dependentTasks"]:
                        assert exit_name not in run.states, f"{exit_name} is started once for each task it depends on"
                        assert "artifacts" not in exit_task["inputs"], "failed to resolve inputs"
                        run.states[exit_name] = self._run_task(spec, platform, exit_name, exit_task, parameters, run)
            else:
                run.states[name] = "OMITTED"
            well = well and run.states[name] in ("SUCCEEDED", "CACHED")
        return well

    def _run_task(self, spec: Spec, platform: Spec, name: str, task: Spec, outer: Mapping[str, Any], run: Run) -> str:
        component = spec["components"][task["componentRef"]["name"]]
        assert "condition" not in task.get("triggerPolicy", {}), "conditions are not walked: the graph has none"
        values = {}
        for parameter, given in task.get("inputs", {}).get("parameters", {}).items():
            if "componentInputParameter" in given:
                assert given["componentInputParameter"] in outer, "parent DAG does not have input parameter"
                values[parameter] = outer[given["componentInputParameter"]]
            else:
                values[parameter] = given["runtimeValue"]["constant"]
        declared = component.get("inputDefinitions", {}).get("parameters", {})
        assert declared.keys() == values.keys(), "neither value nor default value provided for non-optional parameter"
        if "dag" in component:
            return "SUCCEEDED" if self._run_dag(spec, platform, component["dag"], values, run) else "FAILED"
        container = spec["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
        sent = self._executor_input(name, task, component, values, run)
        key = _cache_key(sent, container)
        if task.get("cachingOptions", {}).get("enableCache") and key in self._cache:
            run.artifacts |= {(name, output): artifact for output, artifact in self._cache[key].items()}
            return "CACHED"
        environ = {one["name"]: one["value"] for one in container.get("env", [])}
        for secret in platform.get(component["executorLabel"], {}).get("secretAsEnv", []):
            held = self._secrets[secret["secretName"]]
            environ |= {one["envVar"]: held[one["secretKey"]] for one in secret["keyToEnv"]}
        left = self._step(name, container, sent, environ, run)
        if left is None:
            return "FAILED"
        if task.get("cachingOptions", {}).get("enableCache"):
            self._cache[key] = left
        run.artifacts |= {(name, output): artifact for output, artifact in left.items()}
        return "SUCCEEDED"

    def _executor_input(self, name: str, task: Spec, component: Spec, values: Spec, run: Run) -> Spec:
        """What the driver makes of a task."""
        inputs = {}
        for key, given in task.get("inputs", {}).get("artifacts", {}).items():
            origin = given["taskOutputArtifact"]
            artifact = deepcopy(run.artifacts[origin["producerTask"], origin["outputArtifactKey"]])
            inputs[key] = {"artifacts": [artifact | {"type": {"instanceSchema": ""}}]}
        root = f"{run.root}/heartbeat/{run.run_id}/{name}/{uuid.uuid4()}"
        types = {"executor-logs": {"schemaTitle": "system.Artifact"}}
        for key, one in component.get("outputDefinitions", {}).get("artifacts", {}).items():
            types[key] = one["artifactType"]
        outputs = {
            key: {"artifacts": [{"name": key, "type": kind, "uri": f"{root}/{key}"}]} for key, kind in types.items()
        }
        told: Spec = {"outputs": {"artifacts": outputs, "outputFile": f"{root}/output_metadata.json"}, "inputs": {}}
        for field_name, held in (("parameterValues", values), ("artifacts", inputs)):
            if held:
                told["inputs"][field_name] = held
        return told

    def _step(self, name: str, container: Spec, sent: Spec, environ: dict[str, str], run: Run) -> Spec | None:
        """What the launcher does: download, run, upload; a step that failed leaves its log only."""
        pod = self._folder / f"{name}-{uuid.uuid4().hex[:8]}"
        pod.mkdir(parents=True)
        mount = mounts_of(pod)["minio"]
        sent = deepcopy(sent)
        sent["outputs"]["outputFile"] = sent["outputs"]["outputFile"].replace("minio://", mount)
        sent["outputs"]["artifacts"]["executor-logs"]["artifacts"][0]["uri"] += "-0"
        for listed in sent["inputs"].get("artifacts", {}).values():
            for artifact in listed["artifacts"]:
                self._download(artifact["uri"], mount)
        outputs = {key: listed["artifacts"][0] for key, listed in sent["outputs"]["artifacts"].items()}
        for artifact in outputs.values():
            Path(artifact["uri"].replace("minio://", mount)).parent.mkdir(parents=True, exist_ok=True)
        command = [
            argument.replace("{{$}}", json.dumps(sent)) for argument in (*container["command"], *container["args"])
        ]
        logs = outputs.pop("executor-logs")
        log = Path(logs["uri"].replace("minio://", mount))
        log.touch()
        run.codes[name] = self._launch(pod, command, environ, log)
        run.logs[name] = log.read_text(encoding="utf-8", errors="backslashreplace")
        self._upload(log, logs["uri"])
        if run.codes[name]:
            return None
        written = json.loads(Path(sent["outputs"]["outputFile"]).read_text(encoding="utf-8"))
        return {key: self._record(key, artifact, written, mount) for key, artifact in outputs.items()}

    def _record(self, key: str, artifact: Spec, written: Spec, mount: str) -> Spec:
        [told] = written["artifacts"][key]["artifacts"]
        uri = told.get("uri") or artifact["uri"]
        assert uri.startswith("minio://"), f"unrecognized uri format: {uri}"
        self._upload(Path(uri.replace("minio://", mount)), uri)
        metadata = {name: _wrapped(value) for name, value in told.get("metadata", {}).items()}
        self._artifacts += 1
        noted = {"display_name": key, "store_session_info": SESSION}
        return {"name": str(self._artifacts), "uri": uri, "metadata": metadata | noted}

    def _upload(self, path: Path, uri: str) -> None:
        key = uri.removeprefix(f"minio://{BUCKET}/")
        files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
        for file in files:
            name = key if file == path else f"{key}/{file.relative_to(path).as_posix()}"
            self.client.upload_file(str(file), BUCKET, name)

    def _download(self, uri: str, mount: str) -> None:
        for one in self.objects(uri):
            key = one.removeprefix(f"s3://{BUCKET}/")
            if not f"{one}/".startswith(uri.replace("minio://", "s3://") + "/"):
                continue
            target = Path(mount, BUCKET, key)
            target.parent.mkdir(parents=True, exist_ok=True)
            self.client.download_file(BUCKET, key, str(target))


def _strategy(task: Spec) -> str:
    return str(task.get("triggerPolicy", {}).get("strategy", ""))


def _depends(task: Spec) -> set[str]:
    artifacts = task.get("inputs", {}).get("artifacts", {}).values()
    return {one["taskOutputArtifact"]["producerTask"] for one in artifacts} | set(task.get("dependentTasks", []))


def _cache_key(sent: Spec, container: Spec) -> str:
    """The driver's: names of input artifacts, parameters, outputs without URIs, image, command."""
    inputs = {
        key: [one["name"] for one in listed["artifacts"]] for key, listed in sent["inputs"].get("artifacts", {}).items()
    }
    outputs = {key: listed["artifacts"][0]["type"] for key, listed in sent["outputs"]["artifacts"].items()}
    command = [*container["command"], *container["args"]]
    parts = [inputs, sent["inputs"].get("parameterValues"), outputs, container["image"], command]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _wrapped(value: Any) -> Any:
    assert value is not None, "unknown value type null"
    if isinstance(value, dict):
        return {"struct": value}
    if isinstance(value, list):
        return {"list": value}
    return int(value) if isinstance(value, bool) else value


def environment_of(server: S3Server) -> dict[str, str]:
    """What a person who submits has: the server's address and keys."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | server.environ
