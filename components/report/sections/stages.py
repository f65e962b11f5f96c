"""The stages: which ran, which were cached, how long each took."""

from __future__ import annotations

from components.report.content import Block, Table
from components.report.material import RunMaterial
from components.report.wording import count, seconds, state_of

WENT_ON = ("ran", "cached", "skipped")
"""States of stages at which a run did not stop; another state stands in capitals."""


def stages(material: RunMaterial) -> list[Block]:
    """Tabulate the stages."""
    told = material.summary["stages"]
    rows = [
        [
            stage["name"],
            _marked(state_of(stage, material.summary["status"])),
            *((seconds(stage[key]) if stage["state"] != "skipped" else "") for key in ("seconds", "cpu_seconds")),
            count(stage["rows"]) if stage["rows"] is not None else "",
        ]
        for stage in told
    ]
    total = [seconds(sum(stage[key] for stage in told)) for key in ("seconds", "cpu_seconds")]
    return [
        Table(
            "Stages of this run",
            ["stage", "state", "time", "CPU time", "rows read"],
            [*rows, ["all", "", *total, ""]],
            left=(0, 1),
        )
    ]


def _marked(state: str) -> str:
    return state if state in WENT_ON else state.upper()
