import json
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp import components
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.kubeflow.entrypoint import make_types_known
from pipeline.kubeflow.settings import ClusterSettings
from pipeline.kubeflow.spec import Target, compile_spec, compile_text
from pipeline.profiles import ALL_STAGES, profile_named
from pipeline.settings import settings_from
from tests.pipeline.kubeflow.conftest import TARGET

YAML_1_1_BOOLEANS = {"y", "n", "yes", "no", "on", "off", "true", "false"}


def full(*overrides: str) -> Any:
    return settings_from(profile_named("full"), overrides)


def keys_of(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(keys_of(inner) for inner in value.values()))
    return set().union(*(keys_of(inner) for inner in value)) if isinstance(value, list) else set()


def containers(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    executors = spec["deploymentSpec"]["executors"]
    return {label.removesuffix("_executor"): one["container"] for label, one in executors.items()}


def test_the_same_settings_give_the_same_bytes() -> None:
    assert compile_text(full(), TARGET) == compile_text(full(), TARGET)


def test_kfp_loads_it_and_it_is_a_pipeline_spec() -> None:
    text = compile_text(full(), TARGET)
    assert components.load_component_from_text(text).name == "heartbeat"
    json_format.ParseDict(yaml.safe_load(text), pipeline_spec_pb2.PipelineSpec())


def test_it_is_the_local_runners_graph(spec: dict[str, Any]) -> None:
    assert spec["schemaVersion"] == "2.1.0"
    assert spec["root"]["dag"]["tasks"].keys() == set(ALL_STAGES) == spec["components"].keys()


def test_every_producer_is_a_task_and_every_output_is_declared(spec: dict[str, Any]) -> None:
    tasks = spec["root"]["dag"]["tasks"]
    for task in tasks.values():
        assert set(task.get("dependentTasks", [])) <= tasks.keys()
        for given in task["inputs"].get("artifacts", {}).values():
            origin = given["taskOutputArtifact"]
            outputs = spec["components"][origin["producerTask"]]["outputDefinitions"]["artifacts"]
            assert origin["outputArtifactKey"] in outputs
        for given in task["inputs"].get("parameters", {}).values():
            assert given.keys() <= {"runtimeValue", "componentInputParameter"}
            assert given.get("componentInputParameter", "data") in spec["root"]["inputDefinitions"]["parameters"]


def test_every_runtime_parameter_has_its_default(spec: dict[str, Any]) -> None:
    declared = spec["root"]["inputDefinitions"]["parameters"]
    assert {name: one["defaultValue"] for name, one in declared.items()} == {
        "data": TARGET.data,
        "fingerprint": "not listed",
        "serving": TARGET.serving,
    }
    assert spec["defaultPipelineRoot"] == TARGET.pipeline_root


def test_no_key_is_a_boolean_in_yaml_1_1(spec: dict[str, Any]) -> None:
    assert not {key for key in keys_of(spec) if key.lower() in YAML_1_1_BOOLEANS}


def test_no_executor_but_containers_that_start_at_our_entry_point(spec: dict[str, Any]) -> None:
    assert containers(spec).keys() == set(ALL_STAGES)
    for container in containers(spec).values():
        assert container["image"] == TARGET.image
        assert container["command"] == ["python", "-m", "pipeline.kubeflow.entrypoint"]
        assert container["args"][:1] == ["--executor_class_path"]
        assert "{{$}}" in container["args"]


def test_every_stage_asks_for_what_the_settings_say() -> None:
    spec = compile_spec(full("cluster.example_gen.cpu=3", "cluster.fine_tuner.memory_gb=11.5"), TARGET)
    asked = {stage: container["resources"] for stage, container in containers(spec).items()}
    assert asked["ExampleGen"] == {"cpuRequest": 3, "memoryRequest": 6, "memoryLimit": 6}
    assert asked["FineTuner"] == {"cpuRequest": 4, "memoryRequest": 11.5, "memoryLimit": 11.5}
    assert all(one["cpuRequest"] > 0 and one["memoryRequest"] > 0 for one in asked.values())


def test_every_stage_has_its_request() -> None:
    assert all(ClusterSettings().request_of(stage).cpu for stage in ALL_STAGES)


def uncached(spec: dict[str, Any]) -> set[str]:
    tasks = spec["root"]["dag"]["tasks"]
    return {stage for stage, task in tasks.items() if not task.get("cachingOptions", {}).get("enableCache")}


def test_gates_and_pusher_are_never_cached_and_example_gen_only_with_a_fingerprint(spec: dict[str, Any]) -> None:
    deciding = {"IngestGate", "DataGate", "ModelGate", "Pusher"}
    assert uncached(spec) == deciding | {"ExampleGen"}
    seen = Target(TARGET.image, TARGET.data, TARGET.pipeline_root, TARGET.serving, fingerprint="0123")
    known = compile_spec(full(), seen)
    assert uncached(known) == deciding
    assert known["root"]["inputDefinitions"]["parameters"]["fingerprint"]["defaultValue"] == "0123"


def test_only_what_decides_is_not_retried() -> None:
    tasks = compile_spec(full("cluster.retries=5"), TARGET)["root"]["dag"]["tasks"]
    retried = {stage for stage, task in tasks.items() if task.get("retryPolicy", {}).get("maxRetryCount") == 5}
    assert set(ALL_STAGES) - retried == {"IngestGate", "DataGate", "ModelGate", "Pusher"}
    none = compile_spec(full("cluster.retries=0"), TARGET)["root"]["dag"]["tasks"]
    assert not any("retryPolicy" in task for task in none.values())


def test_tfx_finds_every_artifact_type(spec: dict[str, Any]) -> None:
    from tfx.orchestration.kubeflow.v2 import compiler_utils
    from tfx.utils import import_utils

    make_types_known()
    titles = {
        yaml.safe_load(output["artifactType"]["instanceSchema"])["title"]
        for component in spec["components"].values()
        for output in component.get("outputDefinitions", {"artifacts": {}})["artifacts"].values()
    }
    ours = {title for title in titles if title.startswith("heartbeat.")}
    assert ours == {"heartbeat.IngestReport", "heartbeat.DataVerdict", "heartbeat.Judgement", "heartbeat.Verdict"}
    for title in titles:
        found = import_utils.import_class_by_path(compiler_utils.TITLE_TO_CLASS_PATH[title])
        assert found.TYPE_NAME.removeprefix("heartbeat.") == title.split(".")[1]


def test_every_executor_can_be_imported(spec: dict[str, Any]) -> None:
    from tfx.utils import import_utils

    for container in containers(spec).values():
        import_utils.import_class_by_path(container["args"][1])


def test_settings_of_the_cluster_change_no_cache_key() -> None:
    parameters = [
        {stage: task["inputs"] for stage, task in compile_spec(settings, TARGET)["root"]["dag"]["tasks"].items()}
        for settings in (full(), full("cluster.trainer.cpu=16"))
    ]
    assert parameters[0] == parameters[1]
    assert "cluster" not in json.loads(full().model_dump_json())


def test_pods_are_placed_by_a_document_of_its_own() -> None:
    settings = full("cluster.secret=s3-keys", "cluster.volume_claim=beats", 'cluster.node_selector={"pool": "cpu"}')
    spec, platform = yaml.safe_load_all(compile_text(settings, TARGET))
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert executors.keys() == spec["deploymentSpec"]["executors"].keys()
    key, secret = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
    assert executors["Pusher_executor"] == {
        "secretAsEnv": [
            {"secretName": "s3-keys", "keyToEnv": [{"secretKey": one, "envVar": one} for one in (key, secret)]}
        ],
        "pvcMount": [{"constant": "beats", "mountPath": "/data"}],
        "nodeSelector": {"labels": {"pool": "cpu"}},
    }
    assert "&id" not in compile_text(settings, TARGET)


@pytest.mark.parametrize("profile", ["demo", "study"])
def test_other_profiles_compile(profile: str) -> None:
    settings = settings_from(profile_named(profile))
    assert compile_spec(settings, TARGET)["root"]["dag"]["tasks"].keys() == set(settings.stages)
