"""TFX nodes of this stage: the Judge measures, the ModelGate approves the model or refuses it."""

import os

import absl.logging
from tfx.components.evaluator import constants
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.io import fileio
from tfx.types import artifact, artifact_utils, standard_artifacts
from tfx.utils import path_utils

from components.errors import ModelRefused
from components.evaluate.gate import current_model, gate_model
from components.evaluate.judge import CANDIDATE, CANDIDATE_NOISY, FROZEN, TRAINER, judge, noisy_signal
from components.evaluate.settings import EvaluateSettings, GateSettings
from components.ingest.node import IngestReport
from components.ingest.report import read_ingest_report
from components.io import artifact_files as names
from components.io.artifact_files import read_arrays, read_json, write_arrays, write_json
from components.io.examples import read_split
from components.train.calibrate import read_certainty
from components.train.export import load_predict


class Judgement(artifact.Artifact):
    """`judgement.json` (metrics, intervals, calibration, curves) and `predictions.npz` (what the report draws)."""

    TYPE_NAME = "heartbeat.Judgement"


class ModelVerdict(artifact.Artifact):
    """`verdict.json`: why a model was approved, with the thresholds and the comparison."""

    TYPE_NAME = "heartbeat.Verdict"


@component
def Judge(  # noqa: N802 - the function's name is the node's id
    examples: InputArtifact[standard_artifacts.Examples],
    report: InputArtifact[IngestReport],
    trainer_model: InputArtifact[standard_artifacts.Model],
    model: InputArtifact[standard_artifacts.Model],
    model_run: InputArtifact[standard_artifacts.ModelRun],
    judgement: OutputArtifact[Judgement],
    settings: Parameter[str],
    code_digest: Parameter[str],
) -> None:
    """Measure the three models on clean and noisy test beats."""
    ingested = read_ingest_report(report.uri)
    models = {
        CANDIDATE: path_utils.serving_model_path(model.uri),
        TRAINER: path_utils.serving_model_path(trainer_model.uri),
        FROZEN: os.path.join(model_run.uri, names.FROZEN),
    }
    judged = judge(
        read_split(artifact_utils.get_split_uri([examples], "test")),
        {name: load_predict(folder) for name, folder in models.items()},
        noisy_signal,
        EvaluateSettings.model_validate_json(settings),
        ingested.split,
        ingested.synthetic,
        read_certainty(model_run.uri),
    )
    write_json(judgement.uri, names.JUDGEMENT, judged.judgement)
    write_arrays(judgement.uri, names.PREDICTIONS, judged.arrays)
    absl.logging.info("judged %d beats (code %s)", judged.judgement["rows"], code_digest)


@component
def ModelGate(  # noqa: N802 - the function's name is the node's id
    examples: InputArtifact[standard_artifacts.Examples],
    report: InputArtifact[IngestReport],
    model: InputArtifact[standard_artifacts.Model],
    blessing: InputArtifact[standard_artifacts.ModelBlessing],
    judgement: InputArtifact[Judgement],
    verdict: OutputArtifact[ModelVerdict],
    serving: Parameter[str],
    settings: Parameter[str],
    code_digest: Parameter[str],
) -> None:
    """Fail unless the model may be pushed, so that a refusal is never taken from the cache.

    Raises:
        ModelRefused: with the whole verdict, including one refusal per reason.
    """
    figures, arrays = read_json(judgement.uri, names.JUDGEMENT), read_arrays(judgement.uri, names.PREDICTIONS)
    measured_with = EvaluateSettings.model_validate(figures["settings"])
    beats = read_split(artifact_utils.get_split_uri([examples], "test"))
    decision = gate_model(
        figures,
        arrays["label"],
        {"clean": arrays[CANDIDATE], "noisy": arrays[CANDIDATE_NOISY]},
        fileio.exists(os.path.join(blessing.uri, constants.BLESSED_FILE_NAME)),
        current_model(serving, beats, noisy_signal(beats.signal, measured_with.draws[0], measured_with.noise_sd)),
        GateSettings.model_validate_json(settings),
    )
    for each in decision.verdict:
        absl.logging.warning("%s", each.sentence)
    if decision.refusals:
        raise ModelRefused(decision.verdict)
    write_json(verdict.uri, names.VERDICT, decision.to_json())
    absl.logging.info("model gate passed %s of %s (code %s)", model.uri, report.uri, code_digest)
