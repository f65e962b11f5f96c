"""URIs of a run on Kubeflow: in the object store, and the local copies that the launcher makes in a pod."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from components.errors import UsageError

ROOT_SCHEMES: Final = ("minio://", "s3://", "gs://")
"""What Kubeflow's launcher copies artifacts from and to."""

MOUNTS: Final = {"minio": "/minio/", "s3": "/s3/", "gs": "/gcs/"}
"""Scheme -> folder of the launcher's local copies: it downloads inputs to there and uploads outputs from there."""

LOGS_OUTPUT: Final = "executor-logs"
"""An output that Kubeflow adds to every task for the log; TFX knows no such type."""

REPORT_STAGE: Final = "Report"
"""The last stage, which writes the report of a run that has ended."""

Json = dict[str, Any]
"""A message of Kubeflow's launcher, or an answer of its API, parsed."""


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


def check_uri(flag: str, uri: str) -> None:
    """Refuse data or serving under a scheme that only Kubeflow's launcher knows.

    Raises:
        UsageError: it is a `minio://` URI.
    """
    if uri.startswith("minio://"):
        raise UsageError(f"{flag} {uri}: steps read and write S3 servers as s3://{uri.removeprefix('minio://')}.")


def default_serving(pipeline_root: str) -> str:
    """Return where models are pushed to without --serving: below the root, named as an S3 client names it."""
    without_query = pipeline_root.partition("?")[0]
    return f"{store_uri(without_query.rstrip('/'))}/serving"


def store_uri(uri: str) -> str:
    """Return a URI as an S3 client names it: `minio://` is Kubeflow's own word for an S3 server."""
    return f"s3://{uri.removeprefix('minio://')}" if uri.startswith("minio://") else uri


def local_path(uri: str) -> str:
    """Return where the local copy of an artifact is; a URI that the launcher does not copy stays as it is."""
    scheme, separator, rest = uri.partition("://")
    return MOUNTS[scheme] + rest if separator and scheme in MOUNTS else uri


def remote_uri(path: str) -> str:
    """Return the URI of a local copy; any other path stays as it is."""
    for scheme, folder in MOUNTS.items():
        if path.startswith(folder):
            return f"{scheme}://{path.removeprefix(folder)}"
    return path


@dataclass(frozen=True)
class RunFolder:
    """A run's folder in the object store."""

    root: str  # the pipeline root, as Kubeflow names it
    run: str  # the run's id

    @property
    def uri(self) -> str:
        """Its URI, as an S3 client names it: report, summary and notes lie below it."""
        return f"{store_uri(self.root)}/runs/{self.run}"

    @property
    def notes(self) -> str:
        """URI of the folder of its steps' notes."""
        return f"{self.uri}/steps"


def run_folder_of(uri: str, stage: str) -> RunFolder | None:
    """Return the folder of the run whose stage wrote an artifact.

    Kubeflow puts an artifact at `<pipeline root>/<pipeline>/<run id>/<stage>/.../<key>`; a URI that is not of this form
    is another system's, and has none.
    """
    scheme, _, rest = uri.partition("://")
    parts = rest.split("/")
    if f"{scheme}://" not in ROOT_SCHEMES or stage not in parts[3:-1]:
        return None
    before = parts[: len(parts) - 2 - parts[-2::-1].index(stage)]
    return RunFolder(f"{scheme}://{'/'.join(before[:-2])}", before[-1])
