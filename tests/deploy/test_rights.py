"""Least rights: what Kubernetes calls `restricted` for every pod, no role at all, and no port open that need not be."""

import pytest

from tests.deploy.manifests import CONTAINERS, DEPLOY, DOCUMENTS, PODS, named, read

KINDS = {"ConfigMap", "CronJob", "Deployment", "NetworkPolicy", "Service", "ServiceAccount"}
"""Of a namespace each, and none gives rights."""

FOR_SUBMITTERS = {8081, 8098, 8099}
POOL = 50000


def test_nothing_reaches_beyond_its_namespace_or_gives_rights():
    assert {document["kind"] for document in DOCUMENTS} == KINDS
    assert not [document for document in DOCUMENTS if "namespace" in document["metadata"]]


def test_no_pod_speaks_to_kubernetes():
    assert named("ServiceAccount", "heartbeat")["automountServiceAccountToken"] is False
    for pod in PODS.values():
        assert pod["spec"]["serviceAccountName"] == "heartbeat"
        assert pod["spec"]["automountServiceAccountToken"] is False


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_is_restricted(name):
    container, pod = CONTAINERS[name], PODS[name.split("/")[0]]["spec"]
    both = {**pod["securityContext"], **container["securityContext"]}
    assert both["runAsNonRoot"] is True
    assert both["runAsUser"] > 0
    assert both["seccompProfile"] == {"type": "RuntimeDefault"}
    assert both["allowPrivilegeEscalation"] is False
    assert both["readOnlyRootFilesystem"] is True
    assert both["capabilities"] == {"drop": ["ALL"]}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert not [port for port in container.get("ports", []) if "hostPort" in port]


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_asks_for_what_it_needs_and_writes_to_tmp_only(name):
    container, pod = CONTAINERS[name], PODS[name.split("/")[0]]["spec"]
    resources = container["resources"]
    assert {"cpu", "memory"} <= set(resources["requests"])
    assert resources["limits"] == {"memory": resources["requests"]["memory"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert "emptyDir" in volumes[mounts["/tmp"]["name"]]
    assert all(mount.get("readOnly") for path, mount in mounts.items() if path != "/tmp")
    assert {mount["name"] for mount in mounts.values()} <= set(volumes)


def test_flink_is_reached_by_itself_and_by_submitters_only():
    policy = named("NetworkPolicy", "heartbeat-flink")["spec"]
    [(key, value)] = policy["podSelector"]["matchLabels"].items()
    inner, outer = ({port["port"] for port in rule["ports"]} for rule in policy["ingress"])
    listening = set()
    for pod in PODS.values():
        ports = {
            port["containerPort"] for container in pod["spec"]["containers"] for port in container.get("ports", [])
        }
        assert (pod["metadata"]["labels"].get(key) == value) == bool(ports)
        listening |= ports
    assert outer == FOR_SUBMITTERS
    assert inner | outer == listening - {POOL}
    assert policy["ingress"][0]["from"] == [{"podSelector": {"matchLabels": {key: value}}}]
    assert policy["ingress"][1]["from"] == [{"podSelector": {}}]


def test_the_secrets_template_has_no_values():
    [secret] = read(DEPLOY / "secret.yaml")
    assert set(secret["stringData"].values()) == {""}
    assert "data" not in secret
