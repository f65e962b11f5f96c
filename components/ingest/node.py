"""The TFX nodes ExampleGen and IngestGate. TFX reads their annotations, so none is postponed."""

import json
from collections.abc import Sequence

import absl.logging
import apache_beam as beam
from tfx.components.util.examples_utils import set_payload_format
from tfx.dsl.component.experimental.annotations import (
    BeamComponentParameter,
    InputArtifact,
    OutputArtifact,
    Parameter,
)
from tfx.dsl.component.experimental.decorators import component
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact
from tfx.types.standard_artifacts import Examples

from components.ingest.locate import find_inputs
from components.ingest.report import REJECTS_FILE, gate_ingest, read_ingest_report
from components.ingest.run import ingest
from components.ingest.settings import DataSettings
from components.ingest.shard import ShardJob, attempt_shard
from components.ingest.split import SPLITS
from components.io.storage import read_whole


class IngestReport(Artifact):
    """Holds `ingest.json`, the counts, and `rejects.jsonl`, every line that is not a beat."""

    TYPE_NAME = "heartbeat.IngestReport"


@component(use_beam=True)
def ExampleGen(  # noqa: N802 - the function's name is the node's id
    examples: OutputArtifact[Examples],
    report: OutputArtifact[IngestReport],
    data: Parameter[str],
    settings: Parameter[str],
    fingerprint: Parameter[str],
    code_digest: Parameter[str],
    beam_pipeline: BeamComponentParameter[beam.Pipeline] = None,
) -> None:
    """Read the train and the test file into splits train, eval and test, one Beam element per shard.

    It finishes whatever the files hold; IngestGate judges them.

    Args:
        data: folder or URI that holds the files.
        settings: DataSettings as JSON.
        fingerprint: of the files; unused, but a change makes the node run again.
        code_digest: of the code, likewise.

    Raises:
        DataRefused: a file is missing or cannot be read.
        HeartbeatError: rows do not add up.
    """

    def run_jobs(jobs: Sequence[ShardJob]) -> None:
        with beam_pipeline:
            _ = beam_pipeline | "Shards" >> beam.Create(jobs) | "IngestShard" >> beam.Map(attempt_shard)

    examples.split_names = artifact_utils.encode_split_names(list(SPLITS))
    set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    ingest(find_inputs(data), DataSettings.model_validate_json(settings), examples.uri, report.uri, run_jobs)


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
    for verdict in gate_ingest(read_ingest_report(report.uri), DataSettings.model_validate_json(settings)):
        absl.logging.warning("%s", verdict.sentence)
    for line in read_whole(f"{report.uri}/{REJECTS_FILE}").splitlines():
        reject = json.loads(line)
        absl.logging.warning("dropped %s row %d: %s", reject["file"], reject["row"], reject["reason"])
    absl.logging.info("ingest gate passed (code %s)", code_digest)
