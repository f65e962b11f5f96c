from pathlib import Path

import pytest

import components
from pipeline.digest import code_digest, digest_text


@pytest.fixture
def stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "settings.py").write_text("# base\n")
    for stage in ("beats", "beats/prepare", "train", "push"):
        (tmp_path / stage).mkdir()
        (tmp_path / stage / "a.py").write_text(f"# {stage}\n")
    monkeypatch.setattr(components, "__path__", [str(tmp_path)])
    return tmp_path


def test_an_edit_changes_its_own_stage_only(stages: Path) -> None:
    train, push = code_digest("train"), code_digest("push")
    (stages / "train" / "a.py").write_text("# edited\n")
    assert code_digest("train") != train
    assert code_digest("push") == push


def test_an_edit_in_beats_changes_every_stage(stages: Path) -> None:
    train, push = code_digest("train"), code_digest("push")
    (stages / "beats" / "a.py").write_text("# edited\n")
    assert code_digest("train") != train
    assert code_digest("push") != push


def test_code_that_no_stage_runs_changes_nothing_and_the_settings_base_everything(stages: Path) -> None:
    train = code_digest("train")
    (stages / "beats" / "prepare" / "a.py").write_text("# edited\n")
    assert code_digest("train") == train
    (stages / "settings.py").write_text("# edited\n")
    assert code_digest("train") != train


def test_a_node_that_runs_two_stages_code_sees_edits_of_both(stages: Path) -> None:
    both = code_digest("train", "push")
    assert both not in (code_digest("train"), code_digest("push"))
    (stages / "push" / "a.py").write_text("# edited\n")
    assert code_digest("train", "push") != both


def test_a_renamed_file_counts_and_other_files_do_not(stages: Path) -> None:
    before = code_digest("train")
    (stages / "train" / "notes.txt").write_text("not code")
    assert code_digest("train") == before
    (stages / "train" / "a.py").rename(stages / "train" / "b.py")
    assert code_digest("train") != before


def test_a_stage_that_is_not_there_is_an_error(stages: Path) -> None:
    with pytest.raises(FileNotFoundError, match="components/score"):
        code_digest("score")


def test_digest_of_a_text_is_sha256() -> None:
    assert digest_text("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
