"""The TFX node: CSV files in, Examples and IngestReport out; every parameter is an execution property and cache key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apache_beam as beam
from tfx.components.util.examples_utils import set_payload_format
from tfx.dsl.components.base import base_beam_component, base_beam_executor, executor_spec
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.artifact import Artifact
from tfx.types.channel import Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.ingest.artifacts import IngestReport
from components.ingest.ingest import ShardJob, attempt_shard
from components.ingest.locate import find_inputs
from components.ingest.report import SPLITS
from components.ingest.run import ingest
from components.ingest.settings import DataSettings


class BeatExampleGenExecutor(base_beam_executor.BaseBeamExecutor):
    """Ingests a data folder, one Beam element per shard; finishes whatever the files hold, as a gate judges them."""

    def Do(  # noqa: N802 - the name is TFX's
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes both outputs. Source: tfx BaseExecutor.

        Raises:
            DataRefused: a file is missing or cannot be read.
            HeartbeatError: rows do not add up.
        """
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        report = artifact_utils.get_single_instance(output_dict["report"])
        examples.split_names = artifact_utils.encode_split_names(list(SPLITS))
        set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        ingest(
            find_inputs(exec_properties["data"]),
            DataSettings.model_validate_json(exec_properties["settings"]),
            examples.uri,
            report.uri,
            self._run_jobs,
        )

    def _run_jobs(self, jobs: Sequence[ShardJob]) -> None:
        with self._make_beam_pipeline() as pipeline:
            _ = pipeline | "Shards" >> beam.Create(jobs) | "IngestShard" >> beam.Map(attempt_shard)


class BeatExampleGenSpec(ComponentSpec):
    """What the node takes and gives."""

    PARAMETERS = {  # noqa: RUF012
        "data": ExecutionParameter(type=str),
        "settings": ExecutionParameter(type=str),
        "fingerprint": ExecutionParameter(type=str),
        "code_digest": ExecutionParameter(type=str),
    }
    INPUTS: dict[str, ChannelParameter] = {}  # noqa: RUF012
    OUTPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "report": ChannelParameter(type=IngestReport),
    }


class BeatExampleGen(base_beam_component.BaseBeamComponent):
    """Reads `mitbih_train.csv` and `mitbih_test.csv` into splits train, eval and test.

    Args:
        data: folder or URI that holds the files.
        settings: DataSettings as JSON.
        fingerprint: of the files; not read, but another one makes the node run again.
        code_digest: of the code; not read, but another one makes the node run again.
    """

    SPEC_CLASS = BeatExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(BeatExampleGenExecutor)

    def __init__(self, data: str, settings: str, fingerprint: str, code_digest: str) -> None:
        spec = BeatExampleGenSpec(
            data=data,
            settings=settings,
            fingerprint=fingerprint,
            code_digest=code_digest,
            examples=Channel(type=standard_artifacts.Examples),
            report=Channel(type=IngestReport),
        )
        super().__init__(spec=spec)
        self.with_id("ExampleGen")
