"""What stands at two places is the same at both: names, ports, labels, keys, images, versions, memory."""

import re
from pathlib import Path

import pytest
import yaml

from pipeline.kubeflow.spec import platform_document
from pipeline.settings import ClusterSettings
from tests.deploy.manifests import BASE, CONTAINERS, DEPLOY, DOCUMENTS, PODS, kustomization, named, read, template

TOP = Path(__file__).parents[2]
FLINK = yaml.safe_load(named("ConfigMap", "heartbeat-flink")["data"]["config.yaml"])
SERVICES = [document for document in DOCUMENTS if document["kind"] == "Service"]
WORKLOADS = [document for document in DOCUMENTS if template(document)]
TASKMANAGER = "heartbeat-flink-taskmanager"


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service["metadata"]["name"])
def test_a_service_leads_to_one_pod_at_the_ports_it_listens_at(service):
    chosen = service["spec"]["selector"].items()
    [pod] = [pod for pod in PODS.values() if chosen <= pod["metadata"]["labels"].items()]
    listening = {
        port["name"]: port["containerPort"]
        for container in pod["spec"]["containers"]
        for port in container.get("ports", [])
    }
    for port in service["spec"]["ports"]:
        assert listening[port["targetPort"]] == port["port"]


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload["metadata"]["name"])
def test_a_workload_finds_its_own_pods_and_all_that_it_names(workload):
    if workload["kind"] == "Deployment":
        chosen = workload["spec"]["selector"]["matchLabels"].items()
        assert [name for name, pod in PODS.items() if chosen <= pod["metadata"]["labels"].items()] == [
            workload["metadata"]["name"]
        ]
    [secret] = read(DEPLOY / "secret.yaml")
    for container in template(workload)["spec"]["containers"]:
        for source in container.get("envFrom", []):
            if "secretRef" in source:
                assert source["secretRef"]["name"] == secret["metadata"]["name"]
            else:
                named("ConfigMap", source["configMapRef"]["name"])
    for volume in template(workload)["spec"]["volumes"]:
        if "configMap" in volume:
            named("ConfigMap", volume["configMap"]["name"])


def test_the_secret_serves_the_steps_on_kubeflow_as_well():
    [secret] = read(DEPLOY / "secret.yaml")
    cluster = ClusterSettings(secret=secret["metadata"]["name"])
    document = platform_document({"deploymentSpec": {"executors": {"one": {}}}}, cluster)
    [placed] = document["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["one"]["secretAsEnv"]
    assert {key["secretKey"] for key in placed["keyToEnv"]} == set(secret["stringData"])
    assert all(key["secretKey"] == key["envVar"] for key in placed["keyToEnv"])


def test_our_image_is_named_once():
    images = {container["image"] for container in CONTAINERS.values()}
    [ours] = kustomization(BASE)["images"]
    assert ours["name"] in images
    assert not [image for image in images if ours["name"] in image and image != ours["name"]]
    assert ours["newTag"] == re.search(r'version="(.+)"', (TOP / "setup.py").read_text())[1]
    assert f"ARG VERSION={ours['newTag']}\n" in (TOP / "Dockerfile").read_text()


def test_flink_and_beam_are_of_one_version_everywhere():
    flink = {name: box["image"] for name, box in CONTAINERS.items() if box["image"].startswith("flink:")}
    [image] = set(flink.values())
    minor = re.match(r"flink:(\d+\.\d+)\.", image)[1]
    job_server = CONTAINERS["heartbeat-job-server/job-server"]["image"]
    for engine, runner in (("flink", f"beam-runners-flink-{minor}"), ("spark", "beam-runners-spark-3")):
        pom = (DEPLOY / "engines" / f"{engine}.xml").read_text()
        [version] = re.findall(rf"<artifactId>{re.escape(runner)}</artifactId>\s+<version>(.+)</version>", pom)
        assert job_server == f"apache/beam_flink{minor}_job_server:{version}"


def test_flinks_ports_and_memory_are_those_of_its_pods():
    ports = {
        port["name"]: port["containerPort"]
        for pod in ("heartbeat-flink-jobmanager/jobmanager", f"{TASKMANAGER}/taskmanager")
        for port in CONTAINERS[pod]["ports"]
    }
    assert ports["blobs"] == FLINK["blob.server.port"]
    assert ports["rest"] == FLINK["rest.port"]
    assert ports["data"] == FLINK["taskmanager.data.port"]
    [jobmanager] = [port["containerPort"] for port in CONTAINERS["heartbeat-flink-jobmanager/jobmanager"]["ports"]][:1]
    assert jobmanager == FLINK["jobmanager.rpc.port"]
    assert ports["rpc"] == FLINK["taskmanager.rpc.port"]
    named("Service", FLINK["jobmanager.rpc.address"])
    for role, pod in (("jobmanager", "heartbeat-flink-jobmanager"), ("taskmanager", TASKMANAGER)):
        limit = CONTAINERS[f"{pod}/{role}"]["resources"]["limits"]["memory"]
        assert limit == FLINK[f"{role}.memory.process.size"].replace("m", "Mi")


def test_a_pool_of_workers_serves_one_taskmanager_and_one_job():
    assert FLINK["taskmanager.numberOfTaskSlots"] == 1
    assert {box["name"] for box in PODS[TASKMANAGER]["spec"]["containers"]} == {"taskmanager", "workers"}
    assert not [
        service for service in SERVICES if service["spec"]["selector"].get("app.kubernetes.io/name") == TASKMANAGER
    ]


def test_the_job_server_tells_the_name_it_is_reached_by():
    flags = dict(flag[2:].split("=", 1) for flag in CONTAINERS["heartbeat-job-server/job-server"]["args"])
    service = named("Service", flags["job-host"])
    ports = {port["name"]: str(port["port"]) for port in service["spec"]["ports"]}
    assert ports == {"artifacts": flags["artifact-port"], "jobs": flags["job-port"]}
    host, port = flags["flink-master"].split(":")
    assert int(port) in [each["port"] for each in named("Service", host)["spec"]["ports"]]
    assert flags["artifacts-dir"].startswith("/tmp/")
