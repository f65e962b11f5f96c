"""TFX nodes of this stage: the curated schema as an artifact, and the gate that stops a run."""

import json
import os

import absl.logging
import tensorflow_data_validation as tfdv
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils, standard_artifacts

from components.errors import DataRefused
from components.io.serving import ServingDirectory
from components.validate.artifacts import DataVerdict
from components.validate.judge import find_anomalies, judge_data
from components.validate.settings import ValidateSettings
from components.verdict import VERDICT_FILE, of_kind, verdict_json
from schema import SCHEMA_FILE, curated_schema_text


@component
def CuratedSchema(  # noqa: N802 - the function's name is the node's id
    schema: OutputArtifact[standard_artifacts.Schema],
    digest: Parameter[str],
) -> None:
    """Write the packaged schema as an artifact; its digest makes an edited schema a new one."""
    os.makedirs(schema.uri, exist_ok=True)
    with open(os.path.join(schema.uri, SCHEMA_FILE), "w", encoding="utf-8") as file:
        file.write(curated_schema_text())
    absl.logging.info("curated schema %s", digest)


@component
def DataGate(  # noqa: N802 - the function's name is the node's id
    statistics: InputArtifact[standard_artifacts.ExampleStatistics],
    schema: InputArtifact[standard_artifacts.Schema],
    verdict: OutputArtifact[DataVerdict],
    serving: Parameter[str],
    settings: Parameter[str],
    code_digest: Parameter[str],
) -> None:
    """Stop the run when statistics contradict the schema or drift from the newest push.

    Raises:
        DataRefused: with one sentence per anomaly that the settings do not allow.
    """
    parsed = ValidateSettings.model_validate_json(settings)
    splits = {
        split: tfdv.load_stats_binary(os.path.join(statistics.uri, f"Split-{split}", "FeatureStats.pb"))
        for split in artifact_utils.decode_split_names(statistics.split_names)
    }
    curated = tfdv.load_schema_text(os.path.join(schema.uri, SCHEMA_FILE))
    pushed = ServingDirectory(serving).newest_statistics()
    judged = judge_data(find_anomalies(splits, curated, pushed, parsed), parsed)
    for each in judged:
        absl.logging.warning("%s", each.sentence)
    if of_kind("refusal", judged):
        raise DataRefused(judged)
    os.makedirs(verdict.uri, exist_ok=True)
    with open(os.path.join(verdict.uri, VERDICT_FILE), "w", encoding="utf-8") as file:
        json.dump({"verdict": verdict_json(judged)}, file)
    absl.logging.info("data gate passed (code %s)", code_digest)
