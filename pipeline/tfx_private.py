"""Run the graph's nodes one after another on this machine, with the private names of TFX and MLMD that this takes.

tests/pipeline/test_tfx_private.py fails when one of these names is gone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import compiler, constants
from tfx.orchestration import metadata, pipeline
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.orchestration.portable.mlmd import execution_lib

from pipeline.runfolder import Locations
from pipeline.summary import StageRecord

PIPELINE_NAME = "heartbeat"
Outputs = Mapping[str, Sequence[Any]]


class LocalNodes:
    """The compiled graph of one run, from its nodes in order; `run_id` names the run in the metadata."""

    def __init__(self, nodes: Sequence[Any], locations: Locations, run_id: str, beam_options: Sequence[str]) -> None:
        locations.artifacts.mkdir(parents=True, exist_ok=True)
        self._connection = metadata.sqlite_metadata_connection_config(str(locations.artifacts / "metadata.sqlite"))
        self._ir = compiler.Compiler().compile(
            pipeline.Pipeline(
                pipeline_name=PIPELINE_NAME,
                pipeline_root=str(locations.artifacts),
                components=list(nodes),
                metadata_connection_config=self._connection,
                enable_cache=True,
                beam_pipeline_args=list(beam_options),
            )
        )
        runtime_parameter_utils.substitute_runtime_parameter(
            self._ir, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id}
        )
        self._deployment = runner_utils.extract_local_deployment_config(self._ir)

    @property
    def names(self) -> list[str]:
        """Names of the nodes, in the order they run."""
        return [node.pipeline_node.node_info.id for node in self._ir.nodes]

    def run(self, record: StageRecord) -> Outputs:
        """Run a node, or take it from the cache; fill in its record, and return its output artifacts by key.

        Raises:
            Exception: whatever the node's executor raised.
        """
        node = next(n.pipeline_node for n in self._ir.nodes if n.pipeline_node.node_info.id == record.name)
        with _timed(record):
            execution = launcher.Launcher(
                pipeline_node=node,
                mlmd_connection=metadata.Metadata(self._connection),
                pipeline_info=self._ir.pipeline_info,
                pipeline_runtime_spec=self._ir.runtime_spec,
                executor_spec=runner_utils.extract_executor_spec(self._deployment, record.name),
                custom_driver_spec=runner_utils.extract_custom_driver_spec(self._deployment, record.name),
            ).launch()
        with metadata.Metadata(self._connection) as handle:
            [stored] = handle.store.get_executions_by_id([execution.execution_id])
            cached = stored.last_known_state == metadata_store_pb2.Execution.CACHED
            record.state = "cached" if cached else "ran"
            return execution_lib.get_output_artifacts(handle, execution.execution_id)


@contextmanager
def _timed(record: StageRecord) -> Iterator[None]:
    record.state = "failed"
    started, cpu = time.perf_counter(), sum(os.times()[:4])
    try:
        yield
    finally:
        record.seconds = round(time.perf_counter() - started, 2)
        record.cpu_seconds = round(sum(os.times()[:4]) - cpu, 2)
