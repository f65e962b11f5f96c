"""The shape of the tree: imports between folders point one way, files stay short, `--help` loads nothing heavy."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.cli import COMMANDS

TOP = Path(__file__).parents[1]

# fmt: off
FOLDERS = (
    "io", "beats", "recordings", "ingest", "validate", "transform", "train", "evaluate", "push", "score", "report",
)
# fmt: on
"""Folders of components/; each imports only those before it."""

SHARED = ("errors", "beat", "compat", "settings", "verdict")
"""Modules of components/ that every folder may import; io/, which knows nothing of gates, not the last."""

HEAVY = {
    "tensorflow",
    "tfx",
    "apache_beam",
    "keras",
    "pandas",
    "numpy",
    "pyarrow",
    "matplotlib",
    "scipy",
    "wfdb",
    "kfp",
    "boto3",
}
LONGEST = 350


def python_files(*folders: str) -> list[Path]:
    return sorted(file for folder in folders for file in (TOP / folder).rglob("*.py"))


def imports_of(file: Path) -> Iterator[str]:
    """Yield the names of the project's modules that a file imports anywhere, `a.b.c` for `from a.b import c`."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relative to itself"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def parts_of_components(file: Path) -> Iterator[str]:
    """Yield the folders and modules right below components/ that a file imports."""
    for name in imports_of(file):
        package, _, rest = name.partition(".")
        if package == "components" and rest:
            yield rest.partition(".")[0]


def test_every_folder_of_components_has_its_place_in_the_order() -> None:
    folders = {file.parent.name for file in (TOP / "components").glob("*/__init__.py")}
    modules = {file.stem for file in (TOP / "components").glob("*.py")} - {"__init__"}
    assert folders == set(FOLDERS)
    assert modules == set(SHARED)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_imports_only_folders_before_it(folder: str) -> None:
    allowed = {*FOLDERS[: FOLDERS.index(folder) + 1], *SHARED} - ({"verdict"} if folder == "io" else set())
    files = python_files(f"components/{folder}")
    assert not [f"{file} imports {part}" for file in files for part in {*parts_of_components(file)} - allowed]


def test_what_all_may_import_imports_no_folder() -> None:
    for name in SHARED:
        assert set(parts_of_components(TOP / "components" / f"{name}.py")) <= set(SHARED)


def test_components_import_neither_the_pipeline_nor_programs_beside_it() -> None:
    above = {"pipeline", "bench", "tools", "tests"}
    for file in python_files("components"):
        assert not above & {name.partition(".")[0] for name in imports_of(file)}, file
    for file in python_files("pipeline"):
        assert not above - {"pipeline"} & {name.partition(".")[0] for name in imports_of(file)}, file


def test_nothing_in_the_pipeline_imports_in_a_cycle_with_kubeflow() -> None:
    files = {".".join(file.relative_to(TOP).with_suffix("").parts): file for file in python_files("pipeline")}
    imports = {
        module: {name for imported in imports_of(file) for name in (imported, imported.rpartition(".")[0])} & set(files)
        for module, file in files.items()
    }
    for module in (module for module in files if module.startswith("pipeline.kubeflow.")):
        reached, unread = set[str](), [module]
        while unread:
            new = imports[unread.pop()] - reached
            reached |= new
            unread += new
        assert module not in reached, f"{module} is imported by what it imports"


def test_no_file_is_too_long() -> None:
    files = python_files("components", "pipeline", "schema", "bench", "tools", "tests")
    lines = {str(file.relative_to(TOP)): len(file.read_text(encoding="utf-8").splitlines()) for file in files}
    assert not {name: count for name, count in lines.items() if count > LONGEST}


HELP = """
import contextlib, io, json, sys
from pipeline.cli import heartbeat, main
from pipeline.commands.kubeflow import kubeflow
from pipeline.commands.run import run
calls = [(run, []), (kubeflow, []), *((heartbeat, words) for words in json.loads(sys.argv[1]))]
for command, words in calls:
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        assert main(command, [*words, "--help"]) == 0
    assert "Usage:" in shown.getvalue(), words
print(json.dumps(sorted(sys.modules)))
"""


def test_help_of_no_command_imports_anything_heavy() -> None:
    """Imports are what `--help` spends its time on: with none of these it takes under a second."""
    calls = [[], *([name] for name in COMMANDS), *(["models", name] for name in ("list", "show", "rollback"))]
    command = [sys.executable, "-c", HELP, json.dumps(calls)]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True)
    imported = set(json.loads(done.stdout))
    assert "click" in imported
    assert not imported & HEAVY
