"""Where every step starts on Kubeflow: python -m pipeline.kubeflow.entrypoint, with the arguments that TFX compiled.

TFX's own entry point does the work, between two translations of what Kubeflow sends and takes. A step notes its begin
and end in the object store, for the report. One that fails ends with the reason in sentences as the last lines of its
log, and with the error's exit code.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from components.train.threads import run_operations_side_by_side
from pipeline.kubeflow.notes import noted
from pipeline.kubeflow.stages import TASKS
from pipeline.kubeflow.translate import Json, has_local_copies, step_input, step_output
from pipeline.refusal import refusal_behind

FILE_PARAMETERS: Final = frozenset({"input_base", "input_config"})
"""Parameters that only an ExampleGen over files has."""


def main(argv: Sequence[str]) -> int:
    """Run a step.

    Args:
        argv: the arguments of the compiled spec, `{{$}}` replaced by the ExecutorInput as JSON.

    Returns:
        0, or the exit code of what went wrong: 3 for refused data, 4 for a refused model, 1 for the unexpected.
    """
    parser = argparse.ArgumentParser(prog="pipeline.kubeflow.entrypoint", allow_abbrev=False)
    parser.add_argument("--stage", help="its name, by which the report knows it; without it no note is left")
    parser.add_argument("--executor_class_path", required=True)
    parser.add_argument("--json_serialized_invocation_args", "--executor_input", required=True)
    parser.add_argument("--json_serialized_inputs_spec_args")
    given, beam_options = parser.parse_known_args(argv)
    try:
        sent = json.loads(given.json_serialized_invocation_args)
        spec = given.json_serialized_inputs_spec_args
        with noted(given.stage, sent):
            run_step(given.executor_class_path, sent, json.loads(spec) if spec else None, beam_options)
    except Exception as error:
        traceback.print_exc()
        refusal = refusal_behind(error)
        sys.stdout.flush()
        print("\n".join(refusal.sentences), file=sys.stderr, flush=True)  # noqa: T201 - the end of the step's log
        return refusal.exit_code
    return 0


def run_step(executor: str, sent: Json, inputs_spec: Json | None, beam_options: Sequence[str]) -> None:
    """Run an executor on what Kubeflow sent, and leave the output file as Kubeflow takes it.

    Args:
        executor: import path of the executor's class.
        sent: the ExecutorInput.
        inputs_spec: the component's input definitions as compiled; None for a pipeline spec of before 2.1, which has
            parameters of another form.
        beam_options: Beam's command line options.

    Raises:
        Exception: whatever the executor raised.
    """
    import absl.logging
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

    absl.logging.use_absl_handler()
    logging.getLogger("botocore").setLevel(logging.WARNING)
    run_operations_side_by_side()
    make_types_known()
    told = step_input(sent, inputs_spec or {})
    parameters = told.get("inputs", {}).get("parameterValues", {})
    if has_local_copies(sent) and FILE_PARAMETERS.issubset(parameters):
        resolve_files(told, inputs_spec)
    kubeflow_v2_run_executor.main((_as_arguments(executor, told, inputs_spec), list(beam_options)))
    if has_local_copies(sent):
        output_file = Path(sent["outputs"]["outputFile"])
        written = step_output(json.loads(output_file.read_text(encoding="utf-8")), sent)
        output_file.write_text(json.dumps(written), encoding="utf-8")


def make_types_known() -> None:
    """Tell TFX where our artifact types are: it takes a type's name for its import path, and ours is another."""
    from tfx.orchestration.kubeflow.v2 import compiler_utils
    from tfx.utils import import_utils

    for stage in TASKS.values():
        for path in stage.artifacts:
            compiler_utils.TITLE_TO_CLASS_PATH[import_utils.import_class_by_path(path).TYPE_NAME] = path


def resolve_files(told: Json, inputs_spec: Json | None) -> None:
    """Do what Kubeflow leaves out before an ExampleGen over files: find the span and fingerprint the files.

    TFX's driver leaves parameters in the output file, where TFX's entry point looks for them; what it notes on the
    artifacts would be overwritten there, and is added to `told`.
    """
    from tfx.orchestration.kubeflow.v2.file_based_example_gen import driver

    driver.main(_as_arguments("", told, inputs_spec))
    resolved = json.loads(Path(told["outputs"]["outputFile"]).read_text(encoding="utf-8"))
    for key, listed in resolved["artifacts"].items():
        for artifact, found in zip(told["outputs"]["artifacts"][key]["artifacts"], listed["artifacts"], strict=True):
            artifact["metadata"] = artifact.get("metadata", {}) | found.get("metadata", {})


def _as_arguments(executor: str, told: Json, inputs_spec: Json | None) -> argparse.Namespace:
    return argparse.Namespace(
        executor_class_path=executor,
        json_serialized_invocation_args=json.dumps(told),
        json_serialized_inputs_spec_args=None if inputs_spec is None else json.dumps(inputs_spec),
    )


if __name__ == "__main__":
    os.environ["_KFP_RUNTIME"] = "true"  # the kfp package's own word for a step: it then leaves out its client
    sys.exit(main(sys.argv[1:]))
