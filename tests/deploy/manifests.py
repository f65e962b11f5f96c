"""deploy/ as data: its documents, pods and containers."""

from pathlib import Path

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
BASE = DEPLOY / "base"
VOLUME = DEPLOY / "volume"


def read(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def kustomization(folder):
    [told] = read(folder / "kustomization.yaml")
    return told


DOCUMENTS = [document for name in kustomization(BASE)["resources"] for document in read(BASE / name)]


def names(documents):
    return [f"{document['kind']}/{document['metadata']['name']}" for document in documents]


def named(kind, name):
    [found] = [document for document in DOCUMENTS if (document["kind"], document["metadata"]["name"]) == (kind, name)]
    return found


def template(document):
    """The pod template of a workload, None for what is none."""
    spec = document.get("spec", {})
    return spec.get("jobTemplate", {}).get("spec", spec).get("template")


PODS = {document["metadata"]["name"]: template(document) for document in DOCUMENTS if template(document)}
CONTAINERS = {
    f"{pod}/{container['name']}": container
    for pod, described in PODS.items()
    for container in described["spec"]["containers"]
}
