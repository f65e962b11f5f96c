"""Where everything came from: digests of data and model, versions, settings."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from components.report.content import Block, Folded, Table, Words
from components.report.made import NotReachedError
from components.report.material import RunMaterial
from components.report.wording import UNKNOWN

PACKAGES = (
    "heartbeat",
    "tfx",
    "tensorflow",
    "keras",
    "apache-beam",
    "tensorflow-transform",
    "tensorflow-data-validation",
    "tensorflow-model-analysis",
    "numpy",
)


def origin(material: RunMaterial) -> list[Block]:
    """Tabulate digests, versions and settings."""
    rows = [["model", material.summary["model"].get("digest") or UNKNOWN]]
    try:
        rows = [[f"{side} data", digest] for side, digest in material.ingest.digests.items()] + rows
    except NotReachedError:
        rows = [["data", "not read"], *rows]
    versions = [["Python", platform.python_version()], *([name, _version(name)] for name in PACKAGES)]
    settings = [[name, str(value)] for name, value in _flat("", material.settings)]
    return [
        Table("SHA-256 digests", ["of", "digest"], rows, left=(0, 1)),
        Table("Versions that made this page", ["package", "version"], versions, left=(0, 1)),
        Words("The same data, settings and versions on the same machine give the same model."),
        Folded(
            f"All {len(settings)} settings of the run",
            [Table("Settings of the run", ["setting", "value"], settings, left=(0, 1))],
        ),
    ]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _flat(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{name}.", value)
        elif isinstance(value, list):
            yield f"{prefix}{name}", ", ".join(map(str, value)) or "none"
        else:
            yield f"{prefix}{name}", value
