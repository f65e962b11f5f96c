"""The tasks on Kubeflow: the stages of the graph, and the report that follows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pipeline.graph import Channels, GraphInputs
from pipeline.stages import STAGES, Stage

UNKNOWN: Final = "unknown"
"""Stands for the graph's tasks until they are compiled."""


def _report(run: GraphInputs, inputs: Channels, code_digest: str) -> Any:
    from pipeline.kubeflow.report_node import Report

    return Report(settings=run.settings.model_dump_json(), tasks=UNKNOWN, serving=run.serving)


REPORT: Final = Stage(
    "Report", _report, cached=False, retried=False, artifacts=("pipeline.kubeflow.report_node.RunPage",), pod="beats"
)
"""Writes the page of a run that has ended; a run on this machine does that without a stage."""

TASKS: Final[Mapping[str, Stage]] = {**STAGES, REPORT.name: REPORT}
