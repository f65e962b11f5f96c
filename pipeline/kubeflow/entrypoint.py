"""Where every step on Kubeflow starts: `python -m pipeline.kubeflow.entrypoint`, with the arguments that TFX compiled.

TFX's own entry point does the work. Its messages are translated on the way in and out: Kubeflow's ExecutorInput is not
quite what TFX expects, nor is TFX's ExecutorOutput what Kubeflow accepts. A step notes its start and end in the object
store, for the report. A step that fails ends its log with the reason in sentences, and exits with the error's code.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from components.train.loop import run_operations_side_by_side
from pipeline.kubeflow.kfp_private import STEP_VARIABLE, register_types, run_executor
from pipeline.kubeflow.notes import noted
from pipeline.kubeflow.spec import TASKS
from pipeline.kubeflow.uris import LOGS_OUTPUT, Json, local_path
from pipeline.refusal import refusal_behind

KUBEFLOW_METADATA: Final = frozenset({"display_name", "store_session_info"})
"""What Kubeflow adds to artifact metadata; TFX would pass it on as custom properties."""


def main(argv: Sequence[str]) -> int:
    """Run a step on the arguments of the compiled spec, in which `{{$}}` is replaced by the ExecutorInput as JSON.

    Return 0, or the exit code of what went wrong: 3 for refused data, 4 for a refused model, 1 for the unexpected.
    """
    parser = argparse.ArgumentParser(prog="pipeline.kubeflow.entrypoint", allow_abbrev=False)
    parser.add_argument("--stage", help="name of the stage, for the report; without it no note is written")
    parser.add_argument("--executor_class_path", required=True)
    parser.add_argument("--json_serialized_invocation_args", required=True, help="the ExecutorInput")
    parser.add_argument("--json_serialized_inputs_spec_args", required=True, help="the input definitions as compiled")
    arguments, beam_options = parser.parse_known_args(argv)
    try:
        executor_input = json.loads(arguments.json_serialized_invocation_args)
        inputs_spec = json.loads(arguments.json_serialized_inputs_spec_args)
        with noted(arguments.stage, executor_input):
            run_step(arguments.executor_class_path, executor_input, inputs_spec, beam_options)
    except Exception as error:
        traceback.print_exc()
        refusal = refusal_behind(error)
        sys.stdout.flush()
        print("\n".join(refusal.sentences), file=sys.stderr, flush=True)  # noqa: T201 - the end of the step's log
        return refusal.exit_code
    return 0


def run_step(executor: str, executor_input: Json, inputs_spec: Json, beam_options: Sequence[str]) -> None:
    """Run an executor on Kubeflow's ExecutorInput, and rewrite its output file for Kubeflow.

    `executor` is the import path of the class, `inputs_spec` has the component's input definitions as compiled.

    Raises:
        Exception: whatever the executor raised.
    """
    import absl.logging

    absl.logging.use_absl_handler()
    logging.getLogger("botocore").setLevel(logging.WARNING)
    run_operations_side_by_side()
    register_types(path for stage in TASKS.values() for path in stage.artifacts)
    run_executor(executor, step_input(executor_input, inputs_spec), inputs_spec, beam_options)
    output_file = Path(executor_input["outputs"]["outputFile"])
    written = step_output(json.loads(output_file.read_text(encoding="utf-8")), executor_input)
    output_file.write_text(json.dumps(written), encoding="utf-8")


def step_input(executor_input: Json, inputs_spec: Json) -> Json:
    """Return an ExecutorInput as TFX expects it: with compiled types and local copies, without what Kubeflow adds."""
    message = deepcopy(executor_input)
    message["outputs"].get("artifacts", {}).pop(LOGS_OUTPUT, None)
    for key, listed in message.get("inputs", {}).get("artifacts", {}).items():
        for artifact in listed["artifacts"]:
            artifact["type"] = inputs_spec["artifacts"][key]["artifactType"]
    for artifact in _artifacts(message):
        artifact["uri"] = local_path(artifact["uri"])
        if "metadata" in artifact:
            metadata = artifact["metadata"].items()
            artifact["metadata"] = {key: _unwrapped(value) for key, value in metadata if key not in KUBEFLOW_METADATA}
    return message


def step_output(executor_output: Json, executor_input: Json) -> Json:
    """Return TFX's ExecutorOutput in Kubeflow's form, with the artifacts' URIs instead of their local paths."""
    text = json.dumps(executor_output)
    for artifact in _artifacts(executor_input):
        text = text.replace(local_path(artifact["uri"]), artifact["uri"])
    message: Json = json.loads(text)
    return message


def _unwrapped(value: Any) -> Any:
    """Unwrap a list or an object in an artifact's metadata, which Kubeflow wraps."""
    if isinstance(value, dict) and len(value) == 1:
        return value.get("struct", value.get("list", value))
    return value


def _artifacts(message: Json) -> list[Json]:
    inputs, outputs = (side.get("artifacts", {}).values() for side in (message.get("inputs", {}), message["outputs"]))
    return [artifact for listed in (*inputs, *outputs) for artifact in listed["artifacts"]]


if __name__ == "__main__":
    os.environ[STEP_VARIABLE] = "true"
    sys.exit(main(sys.argv[1:]))
