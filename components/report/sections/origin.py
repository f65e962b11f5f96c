"""Where everything came from: digests of data and model, versions, settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.report.content import Block, Folded, Table, Words
from components.report.made import NotReachedError
from components.report.material import RunMaterial
from components.report.wording import UNKNOWN


def origin(material: RunMaterial) -> list[Block]:
    """Tabulate digests, versions and settings."""
    rows = [["model", material.summary["model"].get("digest") or UNKNOWN]]
    try:
        rows = [[f"{side} data", digest] for side, digest in material.ingest.digests.items()] + rows
    except NotReachedError:
        rows = [["data", "not read"], *rows]
    settings = [[name, str(value)] for name, value in _flat("", material.settings)]
    return [
        Table("SHA-256 digests", ["of", "digest"], rows, left=(0, 1)),
        *_versions(material),
        Folded(
            f"All {len(settings)} settings of the run",
            [Table("Settings of the run", ["setting", "value"], settings, left=(0, 1))],
        ),
    ]


def _versions(material: RunMaterial) -> list[Block]:
    versions = material.summary.get("versions")
    if not versions:
        return [Words("This run did not write down its versions.")]
    blocks: list[Block] = [
        Table("Versions that the run was made with", ["of", "version"], [*versions.items()], left=(0, 1)),
        Words("The same data, settings and versions on the same kind of machine give the same model."),
    ]
    if any(stage["state"] == "cached" for stage in material.summary["stages"]):
        blocks.append(Words("Stages from the cache were run earlier, perhaps with other versions."))
    return blocks


def _flat(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{name}.", value)
        elif isinstance(value, list):
            yield f"{prefix}{name}", ", ".join(map(str, value)) or "none"
        else:
            yield f"{prefix}{name}", "none" if value == "" else value
