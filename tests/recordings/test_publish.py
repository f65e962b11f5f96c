"""Folders that hold results: made only for good, and finished files under their final names all at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.io.scratch import made_folder
from components.recordings.prepare import publish

SIDES = [("train.csv", "train_provenance.csv"), ("test.csv", "test_provenance.csv")]
NAMES = [name for side in SIDES for name in side]


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A folder of new files inside one of old files."""
    (tmp_path / "out" / "scratch").mkdir(parents=True)
    for name in NAMES:
        (tmp_path / "out" / name).write_text("old")
        (tmp_path / "out" / "scratch" / name).write_text("new")
    return tmp_path / "out" / "scratch"


def killed_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the process end after so many removals and renames."""
    done = 0

    def counted(act: str) -> None:
        whole = getattr(Path, act)

        def step(path: Path, *args: object, **options: object) -> object:
            nonlocal done
            if done == steps:
                raise Killed
            done += 1
            return whole(path, *args, **options)

        monkeypatch.setattr(Path, act, step)

    with monkeypatch.context() as monkeypatch:
        counted("replace")
        counted("unlink")
        yield


@pytest.mark.parametrize("steps", range(6))
def test_a_kill_never_leaves_two_csvs_of_which_something_is_old(
    scratch: Path, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = scratch.parent
    for _ in killed_after(steps, monkeypatch):
        with pytest.raises(Killed):
            publish(scratch, out, SIDES)
    contents = {name: (out / name).read_text() for name in NAMES if (out / name).exists()}
    if {"train.csv", "test.csv"} <= set(contents):
        assert (steps, set(contents.values())) == (0, {"old"})


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C is heard, also where a shell's `&` has had it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_all_files_are_moved_and_ctrl_c_meanwhile_is_too_late(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Path.replace

    def interrupted(path: Path, target: Path) -> Path:
        signal.raise_signal(signal.SIGINT)
        return whole(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", interrupted)
        publish(scratch, scratch.parent, SIDES)
    assert {name: (scratch.parent / name).read_text() for name in NAMES} == dict.fromkeys(NAMES, "new")
    assert list(scratch.iterdir()) == []
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_folder_that_was_made_for_nothing_goes_with_its_parents(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for folder in ("mine", "a/b/c"):
        with pytest.raises(IndexError), made_folder(tmp_path / folder):
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
