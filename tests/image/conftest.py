"""The images, each built once from the Dockerfile as it is, and a place to run them in."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.image.buildah import Buildah
from tests.image.index import build_secrets
from tests.image.sandbox import Sandbox
from tests.image.stand_in import make_base

CONTEXT = Path(__file__).parents[2]
LABELS = {"VERSION": "1.2.3", "REVISION": "0123abc", "CREATED": "2026-11-25T00:00:00Z"}


@dataclass(frozen=True)
class Built:
    """An image: its files, its configuration as OCI has it, and where commands of it run."""

    root: Path
    oci: dict
    sandbox: Sandbox


@pytest.fixture(scope="session")
def build():
    """Returns how to build an image: a context, with the files there."""
    assert os.geteuid() == 0, "building needs root: namespaces, mounts, owners of files"
    folder = Path(os.environ.get("HEARTBEAT_IMAGE_DIR", tempfile.gettempdir())) / "heartbeat-image-test"
    shutil.rmtree(folder, ignore_errors=True)  # of a test that died
    folder.mkdir(parents=True)
    try:
        buildah = Buildah(folder)
        make_base(buildah)
        secrets = build_secrets(folder)
        yield partial(_built, buildah, secrets)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _built(buildah, secrets, image):
    scratch = buildah.folder / f"scratch-{image}"
    scratch.mkdir()
    name = f"localhost/heartbeat-{image}:test"
    arguments = [f"--build-arg={argument}={value}" for argument, value in {"IMAGE": image, **LABELS}.items()]
    buildah("bud", "--isolation", "chroot", "--pull-never", *arguments, *secrets, "--tag", name, CONTEXT)
    oci = buildah.config(name)
    with buildah.mounted(name) as (root, _):
        yield Built(root, oci, Sandbox(root, scratch, oci["config"]))


@pytest.fixture(scope="session")
def built(build):
    with build("full") as image:
        yield image


@pytest.fixture(scope="session")
def worker(build):
    with build("worker") as image:
        yield image
