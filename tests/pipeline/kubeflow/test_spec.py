import json
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp import components
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.kubeflow.kfp_private import register_types
from pipeline.kubeflow.spec import TASKS, Target, compile_spec, compile_text
from pipeline.profiles import ALL_STAGES
from pipeline.settings import ClusterSettings, settings_from
from tests.pipeline.kubeflow.conftest import TARGET

YAML_1_1_BOOLEANS = {"y", "n", "yes", "no", "on", "off", "true", "false"}


def full(*overrides: str) -> Any:
    return settings_from("full", overrides)


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


def tasks_of(spec: dict[str, Any]) -> dict[str, Any]:
    """The stages' tasks and the report's."""
    stages: dict[str, Any] = spec["components"]["stages"]["dag"]["tasks"]
    return stages | {"Report": spec["root"]["dag"]["tasks"]["Report"]}


def test_it_is_the_local_runners_graph_and_a_report(spec: dict[str, Any]) -> None:
    assert spec["schemaVersion"] == "2.1.0"
    assert spec["components"]["stages"]["dag"]["tasks"].keys() == set(ALL_STAGES)
    assert spec["components"].keys() == {*ALL_STAGES, "stages", "Report"}


def test_the_report_waits_for_one_task_that_holds_all_others_and_takes_no_artifacts(spec: dict[str, Any]) -> None:
    tasks = spec["root"]["dag"]["tasks"]
    assert tasks.keys() == {"stages", "Report"}
    report = tasks["Report"]
    assert report["dependentTasks"] == ["stages"]
    assert report["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    assert report["inputs"].keys() == {"parameters"}
    told = json.loads(report["inputs"]["parameters"]["tasks"]["runtimeValue"]["constant"])
    assert tuple(told) == ALL_STAGES
    assert told["DataGate"]["upstream"] == ["CuratedSchema", "ExampleValidator", "SchemaGen", "StatisticsGen"]
    assert {stage for stage, task in told.items() if not task["cached"]} == uncached(spec) - {"Report"}


def test_runtime_parameters_reach_the_stages(spec: dict[str, Any]) -> None:
    declared = spec["root"]["inputDefinitions"]["parameters"]
    given = spec["root"]["dag"]["tasks"]["stages"]["inputs"]["parameters"]
    assert given == {name: {"componentInputParameter": name} for name in declared}
    inner = spec["components"]["stages"]["inputDefinitions"]["parameters"]
    assert inner == {name: {"parameterType": "STRING"} for name in declared}


def test_every_producer_is_a_task_and_every_output_is_declared(spec: dict[str, Any]) -> None:
    tasks = tasks_of(spec)
    for task in tasks.values():
        assert set(task.get("dependentTasks", [])) <= tasks.keys() | {"stages"}
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
    assert containers(spec).keys() == {*ALL_STAGES, "Report"}
    for stage, container in containers(spec).items():
        assert container["image"] == TARGET.image
        assert container["command"] == ["python", "-m", "pipeline.kubeflow.entrypoint"]
        named = [] if stage == "Report" else ["--stage", stage]
        assert container["args"][: len(named) + 1] == [*named, "--executor_class_path"]
        assert "{{$}}" in container["args"]


def test_every_stage_asks_for_what_the_settings_say() -> None:
    spec = compile_spec(full("cluster.example_gen.cpu=3", "cluster.fine_tuner.memory_gb=11.5"), TARGET)
    asked = {stage: container["resources"] for stage, container in containers(spec).items()}
    assert asked["ExampleGen"] == {"cpuRequest": 3, "memoryRequest": 6, "memoryLimit": 6}
    assert asked["FineTuner"] == {"cpuRequest": 4, "memoryRequest": 11.5, "memoryLimit": 11.5}
    assert all(one["cpuRequest"] > 0 and one["memoryRequest"] > 0 for one in asked.values())


def test_every_stage_has_its_request() -> None:
    assert all(ClusterSettings().request_of(stage).cpu for stage in TASKS.values())


def uncached(spec: dict[str, Any]) -> set[str]:
    return {stage for stage, task in tasks_of(spec).items() if not task.get("cachingOptions", {}).get("enableCache")}


DECIDING = {"IngestGate", "DataGate", "ModelGate", "Pusher", "Report"}


def test_gates_pusher_and_report_are_never_cached_and_example_gen_only_with_a_fingerprint(spec: dict[str, Any]) -> None:
    assert uncached(spec) == DECIDING | {"ExampleGen"}
    seen = Target(TARGET.image, TARGET.data, TARGET.pipeline_root, TARGET.serving, fingerprint="0123")
    known = compile_spec(full(), seen)
    assert uncached(known) == DECIDING
    assert known["root"]["inputDefinitions"]["parameters"]["fingerprint"]["defaultValue"] == "0123"


def test_only_what_decides_is_not_retried() -> None:
    tasks = tasks_of(compile_spec(full("cluster.retries=5"), TARGET))
    retried = {stage for stage, task in tasks.items() if task.get("retryPolicy", {}).get("maxRetryCount") == 5}
    assert tasks.keys() - retried == DECIDING
    backoffs = [task["retryPolicy"] for task in tasks.values() if "retryPolicy" in task]
    day = 24 * 60 * 60
    assert all(int(backoff["backoffMaxDuration"].removesuffix("s")) > day for backoff in backoffs), "kfp's is an hour"
    none = tasks_of(compile_spec(full("cluster.retries=0"), TARGET))
    assert not any("retryPolicy" in task for task in none.values())


def test_a_batch_scorer_is_compiled_where_the_settings_list_it_and_never_cached() -> None:
    stages = json.dumps([*ALL_STAGES, "BatchScorer"])
    places = ("score.input=s3://beats/night/*.csv", "score.output=s3://beats/scored", "cluster.batch_scorer.cpu=7")
    spec = compile_spec(full(f"stages={stages}", *places), TARGET)
    tasks = tasks_of(spec)
    assert "cachingOptions" not in tasks["BatchScorer"]
    assert tasks["BatchScorer"]["retryPolicy"]["maxRetryCount"] == 2
    assert tasks["BatchScorer"]["inputs"]["artifacts"].keys() == {"pushed_model"}
    assert tasks["BatchScorer"]["inputs"]["parameters"]["fingerprint"] == {"runtimeValue": {"constant": "not listed"}}
    assert containers(spec)["BatchScorer"]["resources"]["cpuRequest"] == 7


def test_every_step_knows_where_the_store_is_and_nothing_of_its_keys() -> None:
    container = containers(compile_spec(full("cluster.store=http://minio.kubeflow:9000"), TARGET))["Judge"]
    assert container["env"] == [
        {"name": "AWS_ENDPOINT_URL", "value": "http://minio.kubeflow:9000"},
        {"name": "AWS_DEFAULT_REGION", "value": "us-east-1"},
    ]
    assert [one["name"] for one in containers(compile_spec(full(), TARGET))["Judge"]["env"]] == ["AWS_DEFAULT_REGION"]


def test_keys_of_the_secret_may_have_other_names() -> None:
    words = ("cluster.secret=mlpipeline-minio-artifact", "cluster.access_key=accesskey", "cluster.secret_key=secretkey")
    [_, platform] = yaml.safe_load_all(compile_text(full(*words), TARGET))
    [secret] = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["Report_executor"]["secretAsEnv"]
    assert secret["keyToEnv"] == [
        {"secretKey": "accesskey", "envVar": "AWS_ACCESS_KEY_ID"},
        {"secretKey": "secretkey", "envVar": "AWS_SECRET_ACCESS_KEY"},
    ]


def test_tfx_finds_every_artifact_type(spec: dict[str, Any]) -> None:
    from tfx.orchestration.kubeflow.v2 import compiler_utils
    from tfx.utils import import_utils

    register_types(path for stage in TASKS.values() for path in stage.artifacts)
    titles = {
        yaml.safe_load(output["artifactType"]["instanceSchema"])["title"]
        for component in spec["components"].values()
        for output in component.get("outputDefinitions", {}).get("artifacts", {}).values()
    }
    ours = {title for title in titles if title.startswith("heartbeat.")}
    names = ("IngestReport", "DataVerdict", "Judgement", "Verdict", "RunPage")
    assert ours == {f"heartbeat.{name}" for name in names}
    for title in titles:
        found = import_utils.import_class_by_path(compiler_utils.TITLE_TO_CLASS_PATH[title])
        assert found.TYPE_NAME.removeprefix("heartbeat.") == title.split(".")[1]


def test_every_executor_can_be_imported(spec: dict[str, Any]) -> None:
    from tfx.utils import import_utils

    for container in containers(spec).values():
        import_utils.import_class_by_path(container["args"][container["args"].index("--executor_class_path") + 1])


def test_settings_of_the_cluster_change_no_cache_key() -> None:
    parameters = [
        {stage: task["inputs"] for stage, task in tasks_of(compile_spec(settings, TARGET)).items()}
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
    settings = settings_from(profile)
    assert tasks_of(compile_spec(settings, TARGET)).keys() == {*settings.stages, "Report"}
