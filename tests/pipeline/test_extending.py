"""The example of docs/extending.md is applied to a copy of the code, and its stage built with all others."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
PROGRAM = """
from pipeline.graph import GraphInputs
from pipeline.settings import settings_from
from pipeline.stages import build_nodes
nodes = build_nodes(GraphInputs(settings_from("full"), "data", "f", "serving"))
gate = next(node for node in nodes if node.id == "ClassGate")
print([node.id for node in nodes if gate in node.upstream_nodes], settings_from("full").balance)
"""


@pytest.mark.slow
def test_the_example_of_a_stage_applies_and_its_stage_is_in_the_graph(tmp_path: Path) -> None:
    [diff] = re.findall(r"```diff\n(.*?)```", (TOP / "docs" / "extending.md").read_text(encoding="utf-8"), re.DOTALL)
    for folder in ("components", "pipeline", "schema"):
        shutil.copytree(TOP / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["git", "apply"], cwd=tmp_path, input=diff, text=True, check=True)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "['Transform'] least_beats=1"
