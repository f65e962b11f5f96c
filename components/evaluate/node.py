"""TFX nodes of this stage: the Judge, who measures, and the ModelGate, who lets a model out or refuses it."""

import os

import absl.logging
from tfx.components.evaluator import constants
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils

from components.errors import ModelRefused
from components.evaluate.answers import noisy_signal, served
from components.evaluate.artifacts import Judgement, Verdict
from components.evaluate.baseline import current_answers
from components.evaluate.gate import judge_model
from components.evaluate.judge import CANDIDATE, CANDIDATE_NOISY, FROZEN, TRAINER, judge
from components.evaluate.settings import EvaluateSettings, GateSettings
from components.ingest.node import IngestReport
from components.ingest.report import read_ingest_report
from components.io.artifact_files import (
    JUDGEMENT,
    PREDICTIONS,
    read_arrays,
    read_json,
    write_arrays,
    write_json,
)
from components.io.examples import read_split
from components.train.calibrate import read_certainty
from components.verdict import VERDICT_FILE

FROZEN_DIR = "frozen"
"""Where the FineTuner's run keeps the model after phase one."""


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
        FROZEN: os.path.join(model_run.uri, FROZEN_DIR),
    }
    judged = judge(
        read_split(artifact_utils.get_split_uri([examples], "test")),
        {name: served(folder) for name, folder in models.items()},
        noisy_signal,
        EvaluateSettings.model_validate_json(settings),
        ingested.split,
        ingested.synthetic,
        read_certainty(model_run.uri),
    )
    write_json(judgement.uri, JUDGEMENT, judged.told)
    write_arrays(judgement.uri, PREDICTIONS, judged.arrays)
    absl.logging.info("judged %d beats (code %s)", judged.told["rows"], code_digest)


@component
def ModelGate(  # noqa: N802 - the function's name is the node's id
    examples: InputArtifact[standard_artifacts.Examples],
    report: InputArtifact[IngestReport],
    model: InputArtifact[standard_artifacts.Model],
    blessing: InputArtifact[standard_artifacts.ModelBlessing],
    judgement: InputArtifact[Judgement],
    verdict: OutputArtifact[Verdict],
    serving: Parameter[str],
    settings: Parameter[str],
    code_digest: Parameter[str],
) -> None:
    """Fail unless the model may be pushed, so that a refusal is never taken from the cache.

    Raises:
        ModelRefused: with the whole verdict, one sentence per reason among them.
    """
    told, arrays = read_json(judgement.uri, JUDGEMENT), read_arrays(judgement.uri, PREDICTIONS)
    used = EvaluateSettings.model_validate(told["settings"])
    signal = read_split(artifact_utils.get_split_uri([examples], "test")).signal
    decision = judge_model(
        told,
        arrays["label"],
        {"clean": arrays[CANDIDATE], "noisy": arrays[CANDIDATE_NOISY]},
        fileio.exists(os.path.join(blessing.uri, constants.BLESSED_FILE_NAME)),
        current_answers(serving, signal, noisy_signal(signal, used.draws[0], used.noise_sd)),
        GateSettings.model_validate_json(settings),
    )
    for each in decision.verdict:
        absl.logging.warning("%s", each.sentence)
    if decision.refusals:
        raise ModelRefused(decision.verdict)
    write_json(verdict.uri, VERDICT_FILE, decision.to_json())
    absl.logging.info("model gate passed %s of %s (code %s)", model.uri, report.uri, code_digest)
