"""The TFX node that stops a run whose files are not fit to go on with. TFX reads annotations: none is postponed."""

import json

import absl.logging
from tfx.dsl.component.experimental.annotations import InputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component

from components.ingest.artifacts import IngestReport
from components.ingest.judge import judge_ingest
from components.ingest.report import REJECTS_FILE, read_ingest_report
from components.ingest.settings import DataSettings
from components.io.storage import read_whole


@component
def IngestGate(  # noqa: N802 - the function's name is the node's id
    report: InputArtifact[IngestReport],
    settings: Parameter[str],
    code_digest: Parameter[str],
) -> None:
    """Stop the run when lines were rejected beyond the budget, a split is empty or a file does not fit its provenance.

    Raises:
        DataRefused: with a sentence per fault.
    """
    for verdict in judge_ingest(read_ingest_report(report.uri), DataSettings.model_validate_json(settings)):
        absl.logging.warning("%s", verdict.sentence)
    for line in read_whole(f"{report.uri}/{REJECTS_FILE}").splitlines():
        dropped = json.loads(line)
        absl.logging.warning("dropped %s row %d: %s", dropped["file"], dropped["row"], dropped["reason"])
    absl.logging.info("ingest gate passed (code %s)", code_digest)
