"""One job at a time: flock on file systems, an object that its holder keeps rewriting on stores."""

from __future__ import annotations

import errno
import fcntl
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from components.errors import EnvironmentRefused
from components.io import lock
from components.io.lock import HOLDER, flocked, is_flocked, locked
from components.io.object_stores import ObjectStore
from components.io.serving import ServingDirectory
from components.io.storage import storage_at
from components.io.submitter import local_submitter

HELD = """
import sys
from components.io.lock import flocked
with flocked(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundredths of the times."""
    monkeypatch.setattr(lock, "REFRESH_SECONDS", 0.1)
    monkeypatch.setattr(lock, "STALE_SECONDS", 1.2)


def test_a_flock_is_seen_and_dies_with_its_process(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file"):
        holder = subprocess.Popen(
            [sys.executable, "-c", HELD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert is_flocked(path)
        with pytest.raises(BlockingIOError), flocked(path):
            pass
        holder.kill()
        holder.communicate()
        assert not is_flocked(path)
        with flocked(path):
            assert is_flocked(path)
    assert not is_flocked(tmp_path / "none")


def test_programs_that_are_started_meanwhile_do_not_hold_it(tmp_path: Path) -> None:
    with flocked(tmp_path):
        child = subprocess.Popen(
            [sys.executable, "-c", "print(flush=True); input()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            close_fds=False,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"\n"
    assert not is_flocked(tmp_path)
    child.communicate(b"\n")


def test_a_glance_keeps_nobody_from_the_lock(tmp_path: Path) -> None:
    ended = threading.Event()

    def glance() -> None:
        while not ended.is_set():
            is_flocked(tmp_path)

    thread = threading.Thread(target=glance)
    thread.start()
    for _ in range(200):
        with flocked(tmp_path):
            pass
    ended.set()
    thread.join()


def test_without_locks_neither_a_job_nor_a_push_nor_local_workers_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "saved_model.pb").write_bytes(b"model")
    where = str(tmp_path / "out")
    for begin, remedy in ((locked(where), "another --output"), (local_submitter(), "TMPDIR")):
        with pytest.raises(EnvironmentRefused, match=rf"file system has no locks.*{remedy}"), begin:
            pass
    with pytest.raises(EnvironmentRefused, match=r"pushed to .* file system has no locks"):
        ServingDirectory(where).push(tmp_path / "model")
    assert list((tmp_path / "out").iterdir()) == []


def test_who_waits_for_a_flock_gets_it(tmp_path: Path) -> None:
    with ExitStack() as stack:
        stack.enter_context(flocked(tmp_path))
        threading.Timer(0.5, stack.close).start()
        began = time.monotonic()
        with flocked(tmp_path, wait=True):
            assert time.monotonic() - began >= 0.4


@pytest.mark.usefixtures("hurried")
def test_a_directory_is_one_jobs_and_afterwards_free(root: str) -> None:
    with locked(root) as check:
        check()
        with pytest.raises(EnvironmentRefused, match=rf"Another job.* is at work in {root}: wait until"), locked(root):
            pass
        check()
    with locked(root) as check:
        check()
    assert storage_at(root).sizes() == {}


def test_a_job_that_fails_frees_its_directory(root: str) -> None:
    with pytest.raises(IndexError), locked(root):
        [].pop()
    assert storage_at(root).sizes() == {}


@pytest.mark.usefixtures("hurried")
def test_of_two_that_start_at_once_exactly_one_gets_the_directory(root: str) -> None:
    for _ in range(5):
        assert sorted(started_at_once(root)) == ["held", "refused"]


@pytest.mark.usefixtures("hurried")
def test_of_two_that_find_what_a_dead_job_left_exactly_one_takes_over(store_root: str) -> None:
    for _ in range(2):
        storage_at(store_root).write(HOLDER, b'{"host": "gone", "token": "x", "count": 1}')
        assert sorted(started_at_once(store_root)) == ["held", "refused"]


def started_at_once(root: str) -> list[str]:
    """How two jobs ended; the first to get the lock holds it until the other is refused."""
    together, ended, how = threading.Barrier(2), threading.Event(), []

    def start() -> None:
        together.wait()
        try:
            with locked(root) as check:
                how.append("held")
                ended.wait(20)
                check()
        except EnvironmentRefused as error:
            how.append("refused" if "Another job" in str(error) else str(error))
            ended.set()

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return how


@pytest.mark.usefixtures("hurried")
def test_the_lock_of_a_dead_job_is_taken_over_after_a_while_and_told(
    store_root: str, caplog: pytest.LogCaptureFixture
) -> None:
    storage = storage_at(store_root)
    storage.write(HOLDER, b'{"host": "gone", "token": "x", "count": 1}')
    began = time.monotonic()
    with locked(store_root) as check:
        assert time.monotonic() - began >= lock.STALE_SECONDS
        check()
    assert f"A job on gone has locked {store_root}. Its lock is taken over unless" in caplog.text
    assert storage.sizes() == {}


@pytest.mark.usefixtures("hurried")
def test_a_lock_that_is_freed_meanwhile_is_taken_before_it_is_stale(
    store_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "STALE_SECONDS", 3600)  # longer than a test may take
    storage_at(store_root).write(HOLDER, b'{"host": "gone", "token": "x", "count": 1}')
    threading.Timer(0.3, storage_at(store_root).remove, [HOLDER]).start()
    with locked(store_root) as check:
        check()


def test_a_lock_that_another_took_over_is_told_and_left_to_it(store_root: str) -> None:
    storage = storage_at(store_root)
    with locked(store_root) as check:
        storage.write(HOLDER, b"another's")
        with pytest.raises(EnvironmentRefused, match=rf"The lock of {store_root} was lost: .*--resume"):
            check()
    assert storage.read(HOLDER) == b"another's"
    with locked(store_root + "2") as check:
        storage_at(store_root + "2").remove(HOLDER)
        with pytest.raises(EnvironmentRefused, match="was lost"):
            check()


@pytest.mark.usefixtures("hurried")
def test_a_wall_clock_that_is_set_ends_no_job_and_makes_no_lock_stale(
    store_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time
    with locked(store_root) as check:
        monkeypatch.setattr(time, "time", lambda: now() + 3600)
        check()
        with pytest.raises(EnvironmentRefused, match="Another job"), locked(store_root):
            pass
        check()


@pytest.mark.usefixtures("hurried")
def test_a_store_that_is_away_for_a_while_takes_no_lock(
    store_root: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object) -> None:
        raise EnvironmentRefused("no route")

    with locked(store_root) as check:
        with monkeypatch.context() as patch:
            patch.setattr(ObjectStore, "write_if", away)
            time.sleep(2 * lock.STALE_SECONDS)
            with pytest.raises(EnvironmentRefused, match="no route"):
                check()
        check()
    assert "A lock was not refreshed. no route" in caplog.text


def test_a_new_job_removes_what_killed_submitters_left(root: str) -> None:
    storage = storage_at(root)
    storage.write("lock/dead.json", b"{}")
    with locked(root):
        assert "lock/dead.json" not in storage.sizes()


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentRefused, match=r"Cannot use .*/file/out: Not a directory\. Choose"):
        locked(str(tmp_path / "file" / "out")).__enter__()


def hold_and_be_killed(root: str) -> None:
    locked(root).__enter__()
    os._exit(9)


def test_a_local_lock_dies_with_its_process(tmp_path: Path) -> None:
    target: Callable[[str], None] = hold_and_be_killed
    child = multiprocessing.get_context("fork").Process(target=target, args=(str(tmp_path / "out"),))
    child.start()
    child.join()
    assert child.exitcode == 9
    with locked(str(tmp_path / "out")):
        pass
