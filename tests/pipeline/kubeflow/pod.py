"""Starts a step's command where the launcher's folders (/minio, /s3, /gcs) lie below a folder of the test's."""

import runpy
import sys
from pathlib import Path

from pipeline.kubeflow import uris


def mounts_of(pod: Path) -> dict[str, str]:
    """What `uris.MOUNTS` is in this pod."""
    return {scheme: f"{pod}{folder}" for scheme, folder in (("minio", "/minio/"), ("s3", "/s3/"), ("gs", "/gcs/"))}


if __name__ == "__main__":
    pod, python, flag, module, *arguments = sys.argv[1:]
    assert (python, flag) == ("python", "-m")
    uris.MOUNTS = mounts_of(Path(pod))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
