"""Where a run on Kubeflow keeps things, as its steps name the places."""

from __future__ import annotations

from typing import Final

from components.beats.errors import UsageError

ROOT_SCHEMES: Final = ("minio://", "s3://", "gs://")
"""What Kubeflow's launcher copies artifacts from and to."""


def check_root(pipeline_root: str) -> None:
    """Refuse a pipeline root that Kubeflow cannot use.

    Raises:
        UsageError: it is no URI of an object store.
    """
    if not pipeline_root.startswith(ROOT_SCHEMES):
        raise UsageError(
            f"--pipeline-root {pipeline_root}: Kubeflow keeps artifacts in an object store; give a URI that starts "
            f"with {', '.join(ROOT_SCHEMES)}."
        )


def check_place(flag: str, place: str) -> None:
    """Refuse data or serving under a scheme that only Kubeflow's launcher knows.

    Raises:
        UsageError: it is a `minio://` URI.
    """
    if place.startswith("minio://"):
        raise UsageError(f"{flag} {place}: steps read and write S3 servers as s3://{place.removeprefix('minio://')}.")


def default_serving(pipeline_root: str) -> str:
    """Where models are pushed to without --serving: below the root, named as an S3 client names it.

    `minio://` is Kubeflow's own word for an S3 server; only its launcher knows it.
    """
    scheme, _, rest = pipeline_root.rstrip("/").partition("://")
    return f"{'s3' if scheme == 'minio' else scheme}://{rest}/serving"
