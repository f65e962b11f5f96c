"""The last task on Kubeflow: TFX reads annotations here, so none is postponed."""

import json
import os
from pathlib import Path

import absl.logging
from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.artifact import Artifact

from components.errors import (
    DataRefused,
    EnvironmentRefused,
    HeartbeatError,
    ModelRefused,
    ScoringIncomplete,
    UsageError,
)
from pipeline.kubeflow.notes import Task
from pipeline.kubeflow.uris import REPORT_STAGE, remote_uri, run_folder_of
from pipeline.settings import RunSettings

ERRORS = (UsageError, DataRefused, ModelRefused, ScoringIncomplete, EnvironmentRefused)
"""What a run can have ended with, each with an exit code of its own."""


class RunPage(Artifact):
    """The page of a run, `index.html`."""

    TYPE_NAME = "heartbeat.RunPage"


@component
def Report(  # noqa: N802 - the function's name is the node's id
    page: OutputArtifact[RunPage],
    settings: Parameter[str],
    tasks: Parameter[str],
    serving: Parameter[str],
) -> None:
    """Publish the page and the summary of a run that has ended, and end as the run did.

    Args:
        page: gets the page too; its URI tells which run this is.
        settings: RunSettings as JSON.
        tasks: JSON, stage -> {upstream, cached}.
        serving: where models are pushed to.

    Raises:
        EnvironmentRefused: the store is not reached, or the page's URI is not of Kubeflow's form.
        HeartbeatError: a stage failed; with its sentences and its exit code.
    """
    from pipeline.kubeflow.report import report_run  # the other steps import this module for RunPage, and draw nothing

    uri = remote_uri(page.uri)
    run = run_folder_of(uri, REPORT_STAGE)
    if run is None:
        raise EnvironmentRefused(
            f"The run's folder cannot be derived from {uri}. Expected is <root>/<pipeline>/<run>/{REPORT_STAGE}."
        )
    graph = {stage: Task(tuple(task["upstream"]), task["cached"]) for stage, task in json.loads(tasks).items()}
    parsed = RunSettings.model_validate_json(settings)
    summary = report_run(run, parsed, graph, serving, Path(os.path.join(page.uri, "index.html")))
    absl.logging.info("published %s", run.uri)
    if summary.exit_code:
        kinds = {kind.exit_code: kind for kind in ERRORS}
        error = kinds.get(summary.exit_code, HeartbeatError)
        raise error(summary.verdict or f"The run ended as {summary.status}.")
