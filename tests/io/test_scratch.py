"""Folders for a while, and the temporary files of a command."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import pytest

from components.io.scratch import PREFIX, own_temporary_folder, scratch_folder, shared_temporary_folder
from pipeline.cli import main

KILLED = """
import os, signal, sys
from pathlib import Path
from components.io.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1]), sys.argv[2]) as folder:
    (folder / "part").write_text("x")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def kill_in(parent: Path, prefix: str) -> None:
    """Kill a process that has such a folder, with a file in it."""
    killed = subprocess.run([sys.executable, "-c", KILLED, str(parent), prefix], check=False)
    assert killed.returncode == -signal.SIGKILL


def test_it_goes_when_the_work_ends_well_or_badly(tmp_path: Path) -> None:
    with scratch_folder(tmp_path, ".mine-") as scratch:
        (scratch / "part").write_text("x")
        assert scratch.parent == tmp_path
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(IndexError), scratch_folder(tmp_path, ".mine-"):
        [].pop(0)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_uses_is_kept(tmp_path: Path) -> None:
    (tmp_path / "another's").mkdir()
    kill_in(tmp_path, ".mine-")
    assert len(list(tmp_path.glob(".mine-*/part"))) == 1
    with scratch_folder(tmp_path, ".mine-") as mine:
        assert set(tmp_path.iterdir()) == {mine, tmp_path / "another's"}
        with scratch_folder(tmp_path, ".mine-"):
            assert mine.exists()
            assert len(list(tmp_path.iterdir())) == 3


def test_a_link_under_such_a_name_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / ".mine-link").symlink_to(tmp_path / "kept")
    with scratch_folder(tmp_path, ".mine-"):
        pass
    assert (tmp_path / "kept").is_dir()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_on_a_file_system_without_locks_nobodys_folder_is_taken_for_abandoned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    (tmp_path / ".mine-others").mkdir()
    with scratch_folder(tmp_path, ".mine-") as mine:
        assert mine.is_dir()
    assert [path.name for path in tmp_path.iterdir()] == [".mine-others"]


def test_a_folder_that_another_process_took_for_abandoned_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, made = tempfile.mkdtemp, []

    def make(**where: object) -> str:
        made.append(whole(**where))  # type: ignore[call-overload]
        if len(made) == 1:
            os.rmdir(made[0])
        return str(made[-1])

    monkeypatch.setattr(tempfile, "mkdtemp", make)
    with scratch_folder(tmp_path, ".mine-") as mine:
        assert [str(mine)] == made[1:]


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's temporary folder."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_command_and_its_children_leave_nothing_in_the_temporary_folder(machines: Path) -> None:
    places = []

    @click.command()
    def untidy() -> None:
        child = "import tempfile; print(tempfile.mkdtemp())"
        places.append(Path(tempfile.mkdtemp()))
        places.append(Path(subprocess.check_output([sys.executable, "-c", child], text=True).strip()))
        assert shared_temporary_folder() == machines
        raise RuntimeError

    kill_in(machines, PREFIX)
    assert main(untidy, []) == 1
    [folder] = {place.parent for place in places}
    assert (folder.parent, folder.name.startswith(PREFIX)) == (machines, True)
    assert list(machines.iterdir()) == []
    assert (tempfile.gettempdir(), os.environ["TMPDIR"]) == (str(machines), str(machines))


def test_without_room_for_a_temporary_folder_a_command_goes_on(machines: Path) -> None:
    machines.rmdir()
    with own_temporary_folder() as folder:
        assert folder is None
    assert tempfile.gettempdir() == str(machines)
