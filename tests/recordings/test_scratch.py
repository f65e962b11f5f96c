from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from components.recordings.scratch import made_folder, scratch_folder


def test_it_goes_when_the_work_ends_well_or_badly(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as scratch:
        (scratch / "part").write_text("x")
        assert scratch.parent == tmp_path
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(IndexError), scratch_folder(tmp_path):
        [].pop(0)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_uses_is_kept(tmp_path: Path) -> None:
    code = (
        "import os, sys, signal; from pathlib import Path\n"
        "from components.recordings.scratch import scratch_folder\n"
        "with scratch_folder(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'part').write_text('x')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert len(list(tmp_path.glob(".prepare-*/part"))) == 1
    with scratch_folder(tmp_path) as mine:
        assert list(tmp_path.iterdir()) == [mine]
        with scratch_folder(tmp_path):
            assert mine.exists()
            assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_was_made_for_nothing_goes_with_its_parents(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for place in ("mine", "a/b/c"):
        with pytest.raises(IndexError), made_folder(tmp_path / place):
            [].pop(0)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    with made_folder(tmp_path / "d" / "e"):
        pass
    assert (tmp_path / "d" / "e").is_dir()


def fail_after_writing(path: Path) -> None:
    path.touch()
    [].pop(0)


def test_a_folder_that_holds_something_stays(tmp_path: Path) -> None:
    with pytest.raises(IndexError), made_folder(tmp_path / "a" / "b"):
        fail_after_writing(tmp_path / "a" / "kept")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["kept"]
