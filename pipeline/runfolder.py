"""A root and its runs: the lock, the folder of one run, and the newest summary."""

from __future__ import annotations

import datetime
import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.errors import EnvironmentRefused


@contextmanager
def root_locked(root: Path) -> Iterator[None]:
    """Create a root and hold it for this process; the lock dies with the process.

    Raises:
        EnvironmentRefused: another run holds the root, or it cannot be created or written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = open(root / "lock", "a+", encoding="utf-8")  # noqa: SIM115 - held for the whole run, closed below
    except OSError as error:
        raise EnvironmentRefused(
            f"The root {root} cannot be written ({error.strerror}): free it, or name another with --root."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise EnvironmentRefused(
                    f"The root {root} is on a file system without locks ({error.strerror}): use a local disk."
                ) from error
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise EnvironmentRefused(
                f"The root {root} is busy: process {holder} runs in it. Wait for it, or name another root with --root."
            ) from None
        lock.seek(0)
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def new_run_folder(root: Path) -> Path:
    """Create `runs/<run id>/`; the id is the start time in UTC, so that ids sort by time."""
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%S")
    for count in range(1000):
        folder = root / "runs" / (stamp if count == 0 else f"{stamp}-{count}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise EnvironmentRefused(f"{root / 'runs'} already holds a thousand runs of this second: check the clock.")


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old content or the new, never a part."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
