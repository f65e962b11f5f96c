"""One job at a time in a directory: `flock`, or on object stores an object that its holder keeps rewriting.

Such an object is judged by whether its content changes, on the clock of the watching process: the clocks of two
machines differ, and a machine's own may be set.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Final

from components.errors import EnvironmentRefused
from components.io.object_stores import ObjectStore
from components.io.storage import Storage, absolute_path, is_remote, storage_at

LOG: Final = logging.getLogger("heartbeat.lock")
"""Logs why a job waits; the command shows it."""

LOCK_DIR: Final = "lock"
"""Folder of a scoring directory that is not part of its results."""

HOLDER: Final = f"{LOCK_DIR}/holder.json"
"""The lock of a directory on an object store."""

REFRESH_SECONDS = 10.0
STALE_SECONDS = 120.0
"""A file that its holder has not changed for this long belongs to a dead process."""

GLANCE_SECONDS: Final = 0.2
"""How long to try a lock: `is_flocked` may hold it for a moment."""


NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS})
"""Errors of file systems without locks."""


@contextmanager
def flocked(path: str | os.PathLike[str], wait: bool = False) -> Iterator[int]:
    """Lock a file or folder that exists until the block or the process ends; programs that it starts hold nothing.

    Args:
        path: of this machine.
        wait: until no other process holds it.

    Yields:
        The open file's descriptor.

    Raises:
        BlockingIOError: another process holds it.
        OSError: it cannot be opened, or its file system has no locks.
    """
    handle = os.open(path, os.O_RDONLY if os.path.isdir(path) else os.O_RDWR)
    try:
        until = time.monotonic() + GLANCE_SECONDS
        while True:
            try:
                _flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise
            time.sleep(GLANCE_SECONDS / 10)
        yield handle
    finally:
        os.close(handle)


def is_flocked(path: str | os.PathLike[str]) -> bool:
    """Whether a process holds a file or folder; a missing one is not held.

    Raises:
        OSError: it cannot be opened, or its file system has no locks.
    """
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        _flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _flock(handle: int, operation: int) -> None:
    """Lock a file; on a file system without locks, such as some NFS and FUSE mounts, raise a clear error."""
    try:
        fcntl.flock(handle, operation)
    except OSError as error:
        if error.errno in NO_LOCKS:
            raise OSError(error.errno, "its file system has no locks") from error
        raise


def locked(output: str) -> AbstractContextManager[Callable[[], None]]:
    """Hold a scoring directory within the block; create it if it is missing.

    The yielded function raises EnvironmentRefused if the lock is no longer held.

    Raises:
        EnvironmentRefused: another job holds it, or it cannot be made.
    """
    return _locked_store(absolute_path(output)) if is_remote(output) else _locked_folder(absolute_path(output))


@contextmanager
def _locked_folder(output: str) -> Iterator[Callable[[], None]]:
    """Lock the folder itself, without a lock file."""
    with ExitStack() as stack:
        try:
            os.makedirs(output, exist_ok=True)
            stack.enter_context(flocked(output))
        except BlockingIOError as error:
            raise _busy(output) from error
        except OSError as error:
            raise EnvironmentRefused(f"Cannot use {output}: {error.strerror}. Choose another --output.") from error
        _end_abandoned_workers(storage_at(output))
        yield lambda: None  # the kernel takes the lock from no living process


def _end_abandoned_workers(folder: Storage) -> None:
    """Remove the files of submitters that were killed: their workers on a cluster then stop."""
    for name in folder.sizes(LOCK_DIR):
        if name != HOLDER:
            folder.remove(name)


def _busy(output: str, host: str | None = None) -> EnvironmentRefused:
    job = f"Another job, on {host}," if host else "Another job"
    return EnvironmentRefused(f"{job} is at work in {output}: wait until it has ended, or choose another --output.")


@contextmanager
def _locked_store(output: str) -> Iterator[Callable[[], None]]:
    """Lock by an object that only one of two writers can create, or replace if its holder is dead."""
    store = ObjectStore(output)
    version = _version_to_replace(store)

    def write(content: bytes) -> bool:
        nonlocal version
        written = store.write_if(HOLDER, content, version)
        version = written or version
        return written is not None

    def check() -> None:
        if not holder.refresh():
            raise EnvironmentRefused(
                f"The lock of {output} was lost: another job took this one for dead and started there. Continue with "
                "--resume."
            )

    with Holder(write) as holder:
        if not holder.refresh():
            raise _busy(output)
        try:
            _end_abandoned_workers(store)
            yield check
        finally:
            if holder.refresh():
                holder.stop()
                store.remove(HOLDER)


def _version_to_replace(store: ObjectStore) -> str | None:
    """Watch an existing lock for as long as its holder may be alive.

    Returns:
        The version that a dead process left, or None if there is no lock, or no longer.

    Raises:
        EnvironmentRefused: the holder lives.
    """
    first = store.read_versioned(HOLDER)
    if first is None:
        return None
    host = json.loads(first.content)["host"]
    LOG.warning(
        "A job on %s has locked %s. Its lock is taken over unless it gives a sign of life within %g s.",
        host,
        store.root,
        STALE_SECONDS,
    )
    until = time.monotonic() + STALE_SECONDS
    while time.monotonic() < until:
        time.sleep(REFRESH_SECONDS / 4)
        found = store.read_versioned(HOLDER)
        if found is None:
            return None
        if found.content != first.content:
            raise _busy(store.root, host)
    return first.version


class Holder:
    """A file that this process rewrites every ten seconds within the block, each time with new content.

    Args:
        write: writes the content, and says whether the file was still this process's to write.
    """

    def __init__(self, write: Callable[[bytes], bool]) -> None:
        self._token = uuid.uuid4().hex
        self._write = write
        self._count = 0
        self._is_held = True
        self._turn = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_fresh, name="lock-refresh", daemon=True)

    def __enter__(self) -> Holder:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the rewriting."""
        self._ended.set()
        self._thread.join()

    def refresh(self) -> bool:
        """Rewrite the file now, and say whether it is still held.

        Raises:
            EnvironmentRefused: it cannot be written.
        """
        with self._turn:
            self._count += 1
            content = {"token": self._token, "host": socket.gethostname(), "count": self._count}
            self._is_held = self._is_held and self._write(json.dumps(content).encode())
            return self._is_held

    def _keep_fresh(self) -> None:
        while not self._ended.wait(REFRESH_SECONDS):
            try:
                self.refresh()
            except EnvironmentRefused as error:
                LOG.warning("A lock was not refreshed. %s", error)
