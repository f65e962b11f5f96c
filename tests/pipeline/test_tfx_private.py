import inspect

import pytest
from ml_metadata.metadata_store import metadata_store
from tfx.dsl.compiler import compiler, constants
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.orchestration.portable.mlmd import execution_lib

from pipeline import tfx_private


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (compiler.Compiler, "compile"),
        (constants, "PIPELINE_RUN_ID_PARAMETER_NAME"),
        (runtime_parameter_utils, "substitute_runtime_parameter"),
        (runner_utils, "extract_local_deployment_config"),
        (runner_utils, "extract_executor_spec"),
        (runner_utils, "extract_custom_driver_spec"),
        (launcher.Launcher, "launch"),
        (metadata, "Metadata"),
        (metadata, "sqlite_metadata_connection_config"),
        (metadata_store.MetadataStore, "get_executions_by_id"),
        (execution_lib, "get_output_artifacts"),
    ],
)
def test_a_private_name_is_there_and_used(owner: object, name: str) -> None:
    assert hasattr(owner, name)
    assert name in inspect.getsource(tfx_private)


def test_the_launcher_takes_what_it_is_given() -> None:
    given = {
        "pipeline_node",
        "mlmd_connection",
        "pipeline_info",
        "pipeline_runtime_spec",
        "executor_spec",
        "custom_driver_spec",
    }
    assert given <= set(inspect.signature(launcher.Launcher.__init__).parameters)
