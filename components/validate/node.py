"""TFX nodes of this stage: the curated schema as an artifact, and the gate that stops a run."""

import os

import absl.logging
import tensorflow_data_validation as tfdv
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact, artifact_utils, standard_artifacts

from components.errors import DataRefused
from components.io.artifact_files import SPLIT_STATISTICS, VERDICT, write_json
from components.io.serving import ServingDirectory
from components.validate.gate import find_anomalies, gate_data
from components.validate.settings import ValidateSettings
from components.verdict import of_kind, verdict_json
from schema import SCHEMA_FILE, curated_schema_text


class DataVerdict(artifact.Artifact):
    """`verdict.json`: what the gate found and allowed; empty when there was nothing."""

    TYPE_NAME = "heartbeat.DataVerdict"


@component
def CuratedSchema(  # noqa: N802 - the function's name is the node's id
    schema: OutputArtifact[standard_artifacts.Schema],
    context: Parameter[int],
    digest: Parameter[str],
) -> None:
    """Write the packaged schema as an artifact; its digest makes an edited schema a new one.

    Args:
        schema: to write.
        context: numbers that the context of each beat has; 0 for beats without.
        digest: of the schema.
    """
    os.makedirs(schema.uri, exist_ok=True)
    with open(os.path.join(schema.uri, SCHEMA_FILE), "w", encoding="utf-8") as file:
        file.write(curated_schema_text(context))
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
        DataRefused: with one refusal per anomaly that the settings do not allow.
    """
    parsed = ValidateSettings.model_validate_json(settings)
    splits = {
        split: tfdv.load_stats_binary(os.path.join(statistics.uri, f"Split-{split}", SPLIT_STATISTICS))
        for split in artifact_utils.decode_split_names(statistics.split_names)
    }
    curated = tfdv.load_schema_text(os.path.join(schema.uri, SCHEMA_FILE))
    pushed = ServingDirectory(serving).newest_statistics()
    decision = gate_data(find_anomalies(splits, curated, pushed, parsed), parsed)
    for each in decision:
        absl.logging.warning("%s", each.sentence)
    if of_kind("refusal", decision):
        raise DataRefused(decision)
    write_json(verdict.uri, VERDICT, {"verdict": verdict_json(decision)})
    absl.logging.info("data gate passed (code %s)", code_digest)
