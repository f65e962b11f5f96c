"""TFX node of this stage: scores beats with the model that the run has pushed."""

import os

import absl.logging
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts

from components.errors import ScoringIncomplete
from components.io.artifact_files import write_json
from components.score.artifacts import ScoredBeats
from components.score.batch import batch_request, batch_runner
from components.score.run import score
from components.score.settings import BatchSettings


@component
def BatchScorer(  # noqa: N802 - the function's name is the node's id
    pushed_model: InputArtifact[standard_artifacts.PushedModel],
    scored: OutputArtifact[ScoredBeats],
    input: Parameter[str],
    output: Parameter[str],
    fingerprint: Parameter[str],
    settings: Parameter[str],
    code_digest: Parameter[str],
) -> None:
    """Score every beat of the input with the pushed model, as `heartbeat score` does.

    Args:
        pushed_model: what the Pusher pushed.
        scored: what became of the job.
        input: a path, glob or URI of CSV, Parquet or TFRecord files.
        output: directory or URI under which each job gets a folder of its own; empty: the artifact's.
        fingerprint: of the input files; not read, but another one makes the node run again.
        settings: BatchSettings as JSON.
        code_digest: of the code; not read, but another one makes the node run again.

    Raises:
        DataRefused: inputs are missing or cannot be read.
        UsageError: the workers of the cluster that the settings name do not see a path.
        EnvironmentRefused: that cluster is not reached, has no room, or is of another version.
        ScoringIncomplete: a shard failed, or there are too many rejects.
    """
    parsed = BatchSettings.model_validate_json(settings)
    place = pushed_model.get_string_custom_property("pushed_destination")
    request = batch_request(input, output or os.path.join(scored.uri, "jobs"), place, parsed)
    summary = score(request, batch_runner(parsed))
    write_json(scored.uri, "scored.json", {"output": request.output, "summary": summary.to_dict()})
    for sentence in summary.sentences:
        absl.logging.warning("%s", sentence)
    if summary.exit_code:
        raise ScoringIncomplete(summary.sentences)
    absl.logging.info("%d rows scored (inputs %s, code %s)", summary.rows["scored"], fingerprint, code_digest)
