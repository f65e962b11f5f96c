import subprocess
import sys
from pathlib import Path

import pytest

from components.errors import EnvironmentRefused
from pipeline.runfolder import new_run_folder, root_locked

HOLDER = """
import sys
from pathlib import Path
from pipeline.runfolder import root_locked
with root_locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_busy_root_is_refused_and_free_again_when_its_process_dies(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(EnvironmentRefused, match=rf"busy: process {holder.pid} runs in it"), root_locked(tmp_path):
        pass
    holder.kill()
    holder.communicate()
    with root_locked(tmp_path):
        pass


def test_a_root_that_cannot_be_made_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(EnvironmentRefused, match="file/root cannot be written"),
        root_locked(tmp_path / "file" / "root"),
    ):
        pass


def test_run_folders_of_one_second_differ_and_sort_by_time(tmp_path: Path) -> None:
    folders = [new_run_folder(tmp_path) for _ in range(5)]
    assert len(set(folders)) == 5
    assert all(folder.parent == tmp_path / "runs" for folder in folders)
