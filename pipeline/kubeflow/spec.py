"""The graph as the pipeline spec that open-source Kubeflow Pipelines v2 runs.

TFX's own compiler does most of it. What it leaves out or sets wrongly for open-source Kubeflow is put right on the
spec. Of its other faults none can occur here: the graph has no Resolver and no Cond, and passes no values between
steps, only artifacts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

import yaml

from pipeline.graph import Channels, GraphInputs
from pipeline.kubeflow.kfp_private import compile_graph, runtime_parameters
from pipeline.kubeflow.uris import REPORT_STAGE
from pipeline.run import LOCAL_BEAM
from pipeline.settings import ClusterSettings, RunSettings
from pipeline.stages import STAGES, Stage, build_nodes

PIPELINE_NAME: Final = "heartbeat"

STEP_COMMAND: Final = ("python", "-m", "pipeline.kubeflow.entrypoint")
"""What every step starts with; TFX's arguments follow."""

NOT_LISTED: Final = "not listed"
"""The fingerprint of data that was not looked at when the spec was compiled."""

ALL_BUT_REPORT: Final = "stages"
"""The task that holds all others but the report."""

BACKOFF: Final = {"backoffDuration": "30s", "backoffFactor": 2.0, "backoffMaxDuration": "604800s"}
"""How long a stage waits before it is started again: half a minute, then twice as long each time.

Argo counts backoffMaxDuration, a week, from the first start: nothing is started again after it, nor runs on then.
With kfp's default of an hour a training that fails after 50 minutes would get 10 more.
"""

Spec = dict[str, Any]


def _report(run: GraphInputs, inputs: Channels, code_digest: str) -> Any:
    from pipeline.kubeflow.report_node import Report

    return Report(settings=run.settings.model_dump_json(), tasks="known when compiled", serving=run.serving)


REPORT: Final = Stage(
    REPORT_STAGE,
    _report,
    cached=False,
    retried=False,
    artifacts=("pipeline.kubeflow.report_node.RunPage",),
    pod="beats",
)
"""Writes the page of a run that has ended; a run on this machine does that without a stage."""

TASKS: Final[Mapping[str, Stage]] = {**STAGES, REPORT.name: REPORT}
"""The tasks on Kubeflow: the stages of the graph, and the report that follows them."""


@dataclass(frozen=True)
class Target:
    """Where a compiled pipeline will run; data and serving are as the steps see them."""

    image: str  # name of the image of every step
    data: str  # folder or URI of the CSVs
    pipeline_root: str  # URI below which Kubeflow puts artifacts
    serving: str  # directory or URI that models are pushed to
    fingerprint: str = NOT_LISTED  # of the CSVs

    @property
    def parameters(self) -> dict[str, str]:
        """The runtime parameters and their defaults."""
        return {"data": self.data, "fingerprint": self.fingerprint, "serving": self.serving}


def compile_text(settings: RunSettings, target: Target) -> str:
    """Compile to YAML: the pipeline spec, and the platform document where the settings place pods.

    The same settings, target and code give the same bytes.
    """
    spec = compile_spec(settings, target)
    platform = platform_document(spec, settings.cluster)
    documents = [spec] if platform is None else [spec, platform]
    return yaml.safe_dump_all(documents, sort_keys=True, width=120)


def compile_spec(settings: RunSettings, target: Target) -> Spec:
    """Compile the graph to a pipeline spec (schema 2.1.0) with every repair made."""
    run = GraphInputs(settings=settings, scored=NOT_LISTED, **runtime_parameters(target.parameters))
    nodes = [*build_nodes(run), REPORT.node(run, {})]
    spec = compile_graph(PIPELINE_NAME, target.pipeline_root, nodes, target.image, STEP_COMMAND, LOCAL_BEAM)
    repair_pipeline(spec, settings.profile, target)
    repair_stages(spec, settings.cluster, data_is_known=target.fingerprint != NOT_LISTED)
    report_last(spec, settings.stages)
    return spec


def platform_document(spec: Spec, cluster: ClusterSettings) -> Spec | None:
    """Return the platform document: what pods get from Kubernetes and a pipeline spec has no words for.

    It names secret and volume; no value of a secret is ever read here. It is None when the settings ask for no secret,
    volume or node.
    """
    placement: Spec = {}
    if cluster.secret:
        becomes = {"AWS_ACCESS_KEY_ID": cluster.access_key, "AWS_SECRET_ACCESS_KEY": cluster.secret_key}
        keys = [{"secretKey": key, "envVar": variable} for variable, key in becomes.items()]
        placement["secretAsEnv"] = [{"secretName": cluster.secret, "keyToEnv": keys}]
    if cluster.volume_claim:
        placement["pvcMount"] = [{"constant": cluster.volume_claim, "mountPath": cluster.volume_path}]
    if cluster.node_selector:
        placement["nodeSelector"] = {"labels": dict(cluster.node_selector)}
    if not placement:
        return None
    executors = {label: deepcopy(placement) for label in spec["deploymentSpec"]["executors"]}
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}


def repair_pipeline(spec: Spec, profile: str, target: Target) -> None:
    """Write what TFX leaves out of the pipeline as a whole."""
    spec["pipelineInfo"] |= {  # as Kubeflow's pages show it: TFX gives the identifier only
        "displayName": f"Heartbeat ({profile})",
        "description": "Trains, judges and pushes an ECG heartbeat classifier.",
    }
    declared = spec["root"]["inputDefinitions"]["parameters"]
    for name, default in target.parameters.items():  # Kubeflow refuses a run that leaves one without a value
        declared[name] |= {"defaultValue": default}
    spec["defaultPipelineRoot"] = target.pipeline_root  # Kubeflow's page offers it; other runs have to name it


def repair_stages(spec: Spec, cluster: ClusterSettings, data_is_known: bool) -> None:
    """Give each stage its resources, retries, name and way to the store, and keep it from a cache that would mislead.

    Argo's own policy of retries, which a spec cannot change, is OnFailure: a process that fails or is killed for its
    memory is started again, a pod that is deleted is not. The right to use the store comes from the secret, in the
    platform document.
    """
    variables = {"AWS_ENDPOINT_URL": cluster.store, "AWS_DEFAULT_REGION": cluster.region}
    for name, task in _tasks(spec).items():
        stage, container = TASKS[name], _container(spec, name)
        request = cluster.request_of(stage)
        container["resources"] = {  # a TFX node's platform_config knows limits only, for some nodes
            "cpuRequest": request.cpu,
            "memoryRequest": request.memory_gb,
            "memoryLimit": request.memory_gb,
        }
        if cluster.retries and stage.retried:  # a gate's refusal is final, and a push happens once
            task["retryPolicy"] = {"maxRetryCount": cluster.retries, **BACKOFF}
        if not stage.cached or (stage.reads_data and not data_is_known):
            task.pop("cachingOptions")  # Kubeflow's key does not hold what the stage reads: CSVs, the serving directory
        if name != REPORT.name:  # under its stage's name a step leaves a note; the report leaves none
            container["args"] = ["--stage", name, *container["args"]]
        container["env"] = [{"name": key, "value": value} for key, value in variables.items() if value]


def report_last(spec: Spec, order: Sequence[str]) -> None:
    """Have the report run once, when all other stages have ended, well or not.

    Kubeflow starts a task with the strategy ALL_UPSTREAM_TASKS_COMPLETED each time that one of the tasks it depends on
    has ended (as Argo's exit hook of that task), and not at all for tasks that were not come to. So all stages are put
    into one task, as the kfp package does for its exit handlers, and the report depends on that. It has no input
    artifacts, as those of a failed stage cannot be resolved.
    """
    dag = spec["root"]["dag"]
    stages = _tasks(spec)
    report = stages.pop(REPORT.name)
    declared = spec["root"]["inputDefinitions"]["parameters"]
    dag["tasks"] = {
        ALL_BUT_REPORT: {
            "componentRef": {"name": ALL_BUT_REPORT},
            "taskInfo": {"name": ALL_BUT_REPORT},
            "inputs": {"parameters": {name: {"componentInputParameter": name} for name in declared}},
        },
        REPORT.name: report
        | {"dependentTasks": [ALL_BUT_REPORT], "triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}},
    }
    types = {name: {"parameterType": one["parameterType"]} for name, one in declared.items()}
    spec["components"][ALL_BUT_REPORT] = {"dag": {"tasks": stages}, "inputDefinitions": {"parameters": types}}
    graph = {
        stage: {"upstream": _upstream(stages[stage]), "cached": "cachingOptions" in stages[stage]} for stage in order
    }
    report["inputs"]["parameters"]["tasks"] = {"runtimeValue": {"constant": json.dumps(graph)}}


def _upstream(task: Spec) -> list[str]:
    origins = task["inputs"].get("artifacts", {}).values()
    producers = {origin["taskOutputArtifact"]["producerTask"] for origin in origins}
    return sorted(producers | set(task.get("dependentTasks", [])))


def _tasks(spec: Spec) -> dict[str, Spec]:
    tasks: dict[str, Spec] = spec["root"]["dag"]["tasks"]
    return tasks


def _container(spec: Spec, stage: str) -> Spec:
    label = spec["components"][stage]["executorLabel"]
    container: Spec = spec["deploymentSpec"]["executors"][label]["container"]
    return container
