from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from components.beats.prepare.scratch import scratch_folder


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
        "from components.beats.prepare.scratch import scratch_folder\n"
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
