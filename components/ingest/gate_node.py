"""The TFX node of IngestGate; without postponed annotations, which TFX reads as types."""

from absl import logging
from tfx.dsl.component.experimental.annotations import InputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component

from components.ingest.artifacts import IngestReport
from components.ingest.gate import judge_ingest
from components.ingest.report import read_ingest_report
from components.ingest.settings import DataSettings


@component
def IngestGate(report: InputArtifact[IngestReport], settings: Parameter[str], code_digest: Parameter[str]) -> None:
    """Fails unless the ingested rows are fit to go on with; `code_digest` is a cache key only."""
    for sentence in judge_ingest(read_ingest_report(report.uri), DataSettings.model_validate_json(settings)):
        logging.warning("%s", sentence)
