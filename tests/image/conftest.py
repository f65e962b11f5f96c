"""The image, built once from the Dockerfile as it is, and a place to run it in."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.image.buildah import Buildah
from tests.image.index import build_secrets
from tests.image.sandbox import Sandbox
from tests.image.stand_in import make_base

CONTEXT = Path(__file__).parents[2]
NAME = "localhost/heartbeat:test"
LABELS = {"VERSION": "1.2.3", "REVISION": "0123abc", "CREATED": "2026-11-25T00:00:00Z"}


@dataclass(frozen=True)
class Built:
    """The image: its files, its configuration as OCI has it, and where commands of it run."""

    root: Path
    oci: dict
    sandbox: Sandbox


@pytest.fixture(scope="session")
def built():
    assert os.geteuid() == 0, "building needs root: namespaces, mounts, owners of files"
    folder = Path(os.environ.get("HEARTBEAT_IMAGE_DIR", tempfile.gettempdir())) / "heartbeat-image-test"
    shutil.rmtree(folder, ignore_errors=True)  # of a test that died
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    try:
        buildah = Buildah(folder)
        make_base(buildah)
        arguments = [f"--build-arg={name}={value}" for name, value in LABELS.items()]
        secrets = build_secrets(folder)
        buildah("bud", "--isolation", "chroot", "--pull-never", *arguments, *secrets, "--tag", NAME, CONTEXT)
        oci = buildah.config(NAME)
        with buildah.mounted(NAME) as (root, _):
            yield Built(root, oci, Sandbox(root, scratch, oci["config"]))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
