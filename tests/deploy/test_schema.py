"""Every document is one that Kubernetes takes, of each version from 1.27 on, and every file is applied or named."""

import kubernetes_validate
import pytest

from tests.deploy.manifests import BASE, DEPLOY, DOCUMENTS, VOLUME, kustomization, names, read, template

OLDEST = (1, 27)
"""First version with a time zone for a CronJob, and with the label that names a pod's job."""

VERSIONS = [
    version
    for version in kubernetes_validate.utils.all_versions()
    if tuple(int(part) for part in version.split(".")[:2]) >= OLDEST
]
[SECRET] = read(DEPLOY / "secret.yaml")
[CLAIM] = read(VOLUME / "claim.yaml")


@pytest.mark.parametrize("version", [VERSIONS[0], VERSIONS[len(VERSIONS) // 2], VERSIONS[-1]])
def test_every_document_is_valid(version):
    for document in [*DOCUMENTS, SECRET, CLAIM]:
        kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("folder", [BASE, VOLUME])
def test_every_file_is_listed_and_every_listed_file_is_there(folder):
    told = kustomization(folder)
    listed = [*told["resources"], *(patch["path"] for patch in told.get("patches", []))]
    files = {path.name for path in folder.iterdir()} - {"kustomization.yaml"}
    assert {name for name in listed if not name.startswith("..")} == files
    assert all((folder / name).exists() for name in listed)


def test_no_document_stands_twice():
    assert len(set(names(DOCUMENTS))) == len(DOCUMENTS)


def test_patches_change_what_is_there():
    for patch in kustomization(VOLUME)["patches"]:
        [patched] = read(VOLUME / patch["path"])
        [original] = [each for each in DOCUMENTS if names([each]) == names([patched])]
        assert patched["apiVersion"] == original["apiVersion"]
        assert set(patched.get("data", {})) <= set(original.get("data", {}))
        if template(patched):
            there, changed = (
                {container["name"] for container in template(each)["spec"]["containers"]}
                for each in (original, patched)
            )
            assert changed <= there
            [volume] = template(patched)["spec"]["volumes"]
            assert volume["persistentVolumeClaim"]["claimName"] == CLAIM["metadata"]["name"]
