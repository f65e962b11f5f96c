"""Workers see whether the process that submitted their job still waits for it: here by a lock, anywhere by a file."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from components.errors import EnvironmentRefused
from components.io.local_storage import LocalStorage
from components.io.lock import STALE_SECONDS
from components.io.storage import storage_at
from components.io.submitter import POLL_SECONDS, LocalSubmitter, RemoteSubmitter, local_submitter, remote_submitter


def test_a_submitter_of_this_machine_is_gone_when_it_gives_up() -> None:
    with local_submitter() as submitter:
        assert not submitter.is_gone()
        assert replace(submitter, lease="/nowhere").is_gone()
        assert not replace(submitter, host="another-host", lease="/nowhere").is_gone()
    assert submitter.is_gone()


KILLED = """
import os, signal
from dataclasses import astuple
from components.io.submitter import local_submitter
with local_submitter() as submitter:
    print(*astuple(submitter), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_submitter_of_this_machine_is_gone_when_it_is_killed() -> None:
    done = subprocess.run([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True, check=False)
    host, pid, lease = done.stdout.split()
    assert Path(lease).exists()
    assert LocalSubmitter(host, int(pid), lease).is_gone()
    Path(lease).unlink()


def test_a_submitter_anywhere_is_there_for_as_long_as_it_keeps_its_file(root: str) -> None:
    with remote_submitter(root) as submitter:
        assert not submitter.is_gone(at_once=True)
        assert not pickle.loads(pickle.dumps(submitter)).is_gone()
        assert len(storage_at(root).sizes("lock")) == 1
    assert submitter.is_gone(at_once=True)
    assert storage_at(root).sizes() == {}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_submitter_of_whom_nothing_is_heard_is_taken_for_dead(tmp_path: Path) -> None:
    clock = Clock()
    (tmp_path / "lease").write_text("1")
    submitter = RemoteSubmitter(str(tmp_path), "lease", clock)
    assert not submitter.is_gone()
    clock.now += STALE_SECONDS - 1
    (tmp_path / "lease").write_text("2")
    assert not submitter.is_gone()
    clock.now += STALE_SECONDS - 1
    assert not submitter.is_gone()
    clock.now += 1
    assert submitter.is_gone()


def test_a_store_that_is_not_reached_says_nothing_of_the_submitter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    (tmp_path / "lease").write_text("1")
    submitter = RemoteSubmitter(str(tmp_path), "lease", clock)
    assert not submitter.is_gone()

    def unreached(self: LocalStorage, name: str) -> bytes:
        raise EnvironmentRefused("no route")

    monkeypatch.setattr(LocalStorage, "read", unreached)
    clock.now += POLL_SECONDS
    assert not submitter.is_gone(at_once=True)
    clock.now += STALE_SECONDS
    assert submitter.is_gone()


def test_between_two_looks_nothing_is_read(tmp_path: Path) -> None:
    (tmp_path / "lease").write_text("1")
    submitter = RemoteSubmitter(str(tmp_path), "lease", Clock())
    assert not submitter.is_gone()
    (tmp_path / "lease").unlink()
    assert not submitter.is_gone()
    assert submitter.is_gone(at_once=True)
