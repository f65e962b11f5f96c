import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.errors import EnvironmentRefused
from pipeline.cli import main
from pipeline.commands.run import run
from pipeline.doctor import check_root_folder
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


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_root_on_a_file_system_without_locks_is_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert main(run, ["--root", str(tmp_path / "root")]) == 6
    [sentence] = capsys.readouterr().err.splitlines()
    assert f"{tmp_path}/root cannot be written or locked (its file system has no locks)" in sentence
    assert "local disk, with --root" in sentence
    with pytest.raises(EnvironmentRefused, match=r"its file system has no locks\. Name another root"):
        check_root_folder(tmp_path / "root")
    assert list((tmp_path / "root").iterdir()) == [tmp_path / "root" / "lock"]


def test_run_folders_of_one_second_differ_and_sort_by_time(tmp_path: Path) -> None:
    folders = [new_run_folder(tmp_path) for _ in range(5)]
    assert len(set(folders)) == 5
    assert all(folder.parent == tmp_path / "runs" for folder in folders)
