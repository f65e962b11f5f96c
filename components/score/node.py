"""TFX node of this stage: scores beats with the model that the run pushed, each job in its own folder."""

import os

import absl.logging
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact, standard_artifacts

from components.errors import ScoringIncomplete
from components.io.artifact_files import write_json
from components.score.inputs import find_inputs
from components.score.job import Fingerprint
from components.score.model import find_model
from components.score.run import ScoreRequest, score
from components.score.runner import EngineRunner, choose_engine
from components.score.settings import BatchSettings, RejectBudget


class ScoredBeats(artifact.Artifact):
    """`scored.json`: the summary of a scoring job, where its rows are, and the rows if no other place was given."""

    TYPE_NAME = "heartbeat.ScoredBeats"


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
    """Score every beat of the input, a path, glob or URI, with the pushed model, as `heartbeat score` does.

    Each job gets its own folder below `output`, or below the artifact if that is empty. Another `fingerprint`
    of the input files, or another `code_digest`, makes the node run again.

    Raises:
        DataRefused: inputs are missing or cannot be read.
        UsageError: the workers of the configured cluster cannot see a path.
        EnvironmentRefused: that cluster is unreachable, full, or of another version.
        ScoringIncomplete: a shard failed, or there are too many rejects.
    """
    parsed = BatchSettings.model_validate_json(settings)
    model = pushed_model.get_string_custom_property("pushed_destination")
    request = batch_request(input, output or os.path.join(scored.uri, "jobs"), model, parsed)
    summary = score(request, batch_runner(parsed))
    write_json(scored.uri, "scored.json", {"output": request.output, "summary": summary.to_dict()})
    for sentence in summary.sentences:
        absl.logging.warning("%s", sentence)
    if summary.exit_code:
        raise ScoringIncomplete(summary.sentences)
    absl.logging.info("%d rows scored (inputs %s, code %s)", summary.rows["scored"], fingerprint, code_digest)


def batch_request(pattern: str, top: str, model: str, settings: BatchSettings) -> ScoreRequest:
    """Return the job for these inputs and this model, in a folder below `top` that is named after them.

    A stage that failed half-way finds the same folder again, and resumes.

    Raises:
        DataRefused: inputs are missing or cannot be read.
        UsageError: there is no model, the budget is malformed, or the cluster's workers cannot see a path.
        EnvironmentRefused: the model cannot be read.
    """
    ref = find_model(model, "")
    batch_runner(settings).engine.check_paths([pattern], top, ref.uri)
    job = Fingerprint(ref.digest, settings.job, find_inputs([pattern], settings.job))
    return ScoreRequest(
        inputs=(pattern,),
        output=f"{top.rstrip('/')}/{job.digest}",
        model=ref,
        settings=settings.job,
        existing="resume",
        budget=RejectBudget(settings.reject_budget),
        here=not settings.on,
    )


def batch_runner(settings: BatchSettings) -> EngineRunner:
    """Return what runs the shards: the cluster that the settings name, or processes on this machine.

    Never this process, as TensorFlow may already be in use here on more than one thread.
    """
    engine = choose_engine(
        settings.on or None,
        settings.beam,
        workers=None if settings.on else settings.workers,
        job_endpoint=settings.job_endpoint or None,
        assume_shared=settings.assume_shared,
        shares_process=False,
    )
    return EngineRunner(engine)
