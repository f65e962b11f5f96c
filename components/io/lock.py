"""One job at a time in a scoring directory; the lock dies with its process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from components.errors import EnvironmentRefused
from components.io.files import is_remote, local_path


def locked(output: str) -> AbstractContextManager[Callable[[], None]]:
    """Holds a scoring directory for as long as this lasts, making it where it is absent.

    What is yielded raises EnvironmentRefused when it is called and the lock is no longer held.

    Raises:
        EnvironmentRefused: another job holds it, or it cannot be made.
    """
    if is_remote(output):
        from components.io.remote_lock import remotely_locked

        return remotely_locked(output)
    return _locally_locked(os.path.abspath(local_path(output)))


@contextmanager
def _locally_locked(output: str) -> Iterator[Callable[[], None]]:
    """The directory itself is locked: no lock file lies about, and children do not inherit the handle."""
    try:
        os.makedirs(output, exist_ok=True)
        handle = os.open(output, os.O_RDONLY)
    except OSError as error:
        raise EnvironmentRefused(f"Cannot use {output}: {error.strerror}. Choose another --output.") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise EnvironmentRefused(
                f"Another job is at work in {output}: wait until it has ended, or choose another --output."
            ) from error
        yield _still_held
    finally:
        os.close(handle)


def _still_held() -> None:
    """The kernel takes a lock from nobody who lives."""
