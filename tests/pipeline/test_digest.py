from modulefinder import ModuleFinder
from pathlib import Path

import pytest

import components
from components.io.code_digest import code_digest, imported_files
from pipeline.stages import STAGES

BEGINS = {name: stage.code for name, stage in STAGES.items() if stage.code}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    top = tmp_path / "components"
    for folder in ("io", "train", "push"):
        (top / folder).mkdir(parents=True)
        (top / folder / "__init__.py").write_text("")
    (top / "__init__.py").write_text("")
    (top / "io" / "floor.py").write_text("LEVEL = 0\n")
    (top / "train" / "trainer.py").write_text(
        "def run():\n    from components.io import floor\n    return floor.LEVEL\n"
    )
    (top / "push" / "node.py").write_text("SERVING = 1\n")
    monkeypatch.setattr(components, "__path__", [str(top)])
    return top


def test_an_edit_changes_the_digests_of_all_that_import_it_and_no_others(package: Path) -> None:
    train, push = code_digest("components.train.trainer"), code_digest("components.push.node")
    (package / "io" / "floor.py").write_text("LEVEL = 1\n")
    assert code_digest("components.train.trainer") != train
    assert code_digest("components.push.node") == push


def test_prose_changes_nothing(package: Path) -> None:
    before = code_digest("components.train.trainer")
    (package / "io" / "floor.py").write_text(
        '"""The floor."""\n# where all stand\nLEVEL = 0\n"""Metres above the ground."""\n'
    )
    assert code_digest("components.train.trainer") == before


def test_without_modules_the_whole_package_counts(package: Path) -> None:
    before = code_digest()
    (package / "io" / "floor.py").write_text('"""The floor."""\nLEVEL = 0\n')
    (package / "io" / "floor.pyc").write_text("compiled")
    assert code_digest() == before
    (package / "push" / "node.py").write_text("SERVING = 2\n")
    assert code_digest() != before


def test_a_renamed_file_counts_and_other_files_do_not(package: Path) -> None:
    before = code_digest("components.push.node")
    (package / "push" / "notes.txt").write_text("not code")
    assert code_digest("components.push.node") == before
    (package / "push" / "node.py").rename(package / "push" / "nodes.py")
    assert code_digest("components.push.nodes") != before


def test_a_module_that_is_not_there_is_an_error(package: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"components\.score"):
        code_digest("components.score")


@pytest.mark.parametrize("stage", BEGINS)
def test_a_stage_digest_covers_all_that_the_interpreter_would_import(stage: str) -> None:
    """The standard library's finder reads byte code, so it finds imports in another way than the digest does."""
    covered = set(imported_files(*BEGINS[stage]))
    for module, file in imported_files(*BEGINS[stage]).items():
        finder = ModuleFinder(path=[str(Path(components.__path__[0]).parent)])
        finder.run_script(str(file))
        needed = {name for name in finder.modules if name.split(".")[0] in ("components", "schema")}
        assert needed <= covered, f"{module} imports what the digest of {stage} does not cover"
