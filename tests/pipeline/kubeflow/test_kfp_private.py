from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from pipeline.kubeflow.kfp_private import STEP_VARIABLE

V2 = "tfx.orchestration.kubeflow.v2"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("tfx.orchestration.data_types", "RuntimeParameter"),
        (f"{V2}.kubeflow_v2_dag_runner", "KubeflowV2DagRunner"),
        (f"{V2}.kubeflow_v2_dag_runner", "KubeflowV2DagRunnerConfig"),
        (f"{V2}.compiler_utils", "TITLE_TO_CLASS_PATH"),
        (f"{V2}.container.kubeflow_v2_run_executor", "main"),
        ("tfx.utils.import_utils", "import_class_by_path"),
    ],
)
def test_a_private_name_is_there(module: str, name: str) -> None:
    assert hasattr(import_module(module), name)


def test_kfp_still_looks_for_the_variable_of_a_step() -> None:
    spec = find_spec("kfp")
    assert spec is not None
    assert spec.origin is not None
    assert f"os.environ.get('{STEP_VARIABLE}'" in Path(spec.origin).read_text(encoding="utf-8")
