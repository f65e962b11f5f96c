"""Private or unstable APIs of TFX's Kubeflow runner and of kfp, used here and nowhere else.

tests/pipeline/kubeflow/test_kfp_private.py fails when one of these names is gone.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

STEP_VARIABLE: Final = "_KFP_RUNTIME"
"""Environment variable that tells the kfp package that it runs in a step, so it does not import its client."""


def compile_graph(
    name: str,
    pipeline_root: str,
    nodes: Sequence[Any],
    image: str,
    command: Sequence[str],
    beam_options: Sequence[str],
) -> dict[str, Any]:
    """Compile nodes to a pipeline spec of schema 2.1.0, as TFX makes it for Vertex AI."""
    from tfx.orchestration import pipeline
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
            default_image=image, default_commands=list(command), use_pipeline_spec_2_1=True
        )
    )
    graph = pipeline.Pipeline(
        pipeline_name=name,
        pipeline_root=pipeline_root,
        components=list(nodes),
        enable_cache=True,
        beam_pipeline_args=list(beam_options),
    )
    spec: dict[str, Any] = runner.run(graph, write_out=False)["pipelineSpec"]
    return spec


def runtime_parameters(defaults: Mapping[str, str]) -> dict[str, Any]:
    """Return a string parameter of the run for each name."""
    from tfx.orchestration import data_types

    return {name: data_types.RuntimeParameter(name, str, default) for name, default in defaults.items()}


def register_types(paths: Iterable[str]) -> None:
    """Register our artifact types with TFX, which would otherwise take a type's name for its import path."""
    from tfx.orchestration.kubeflow.v2 import compiler_utils
    from tfx.utils import import_utils

    for path in paths:
        compiler_utils.TITLE_TO_CLASS_PATH[import_utils.import_class_by_path(path).TYPE_NAME] = path


def run_executor(
    executor: str, executor_input: dict[str, Any], inputs_spec: dict[str, Any], beam_options: Sequence[str]
) -> None:
    """Run an executor as TFX's own container entry point does.

    Raises:
        Exception: whatever the executor raised.
    """
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

    arguments = argparse.Namespace(
        executor_class_path=executor,
        json_serialized_invocation_args=json.dumps(executor_input),
        json_serialized_inputs_spec_args=json.dumps(inputs_spec),
    )
    kubeflow_v2_run_executor.main((arguments, list(beam_options)))
