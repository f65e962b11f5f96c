"""Folders for work: one that appears only for good, one for what is unfinished, and moves that are not interrupted."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = ".prepare-"


@contextmanager
def made_folder(out: Path) -> Iterator[None]:
    """Make a folder; where the work in it fails, remove again what was made, unless it holds something.

    Raises:
        OSError: it cannot be made.
    """
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for folder in made:
            with suppress(OSError):
                folder.rmdir()
        raise


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ignore Ctrl-C meanwhile: for a few renames that belong together. For the main thread only."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def scratch_folder(out: Path) -> Iterator[Path]:
    """Make a folder in `out` and remove it at the end; first remove those that killed processes have left.

    Raises:
        OSError: `out` cannot be written.
    """
    for left in out.glob(f"{PREFIX}*"):
        if (free := _lock(left)) is not None:
            shutil.rmtree(left)
            os.close(free)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=out) as name:
        held = _lock(Path(name))
        try:
            yield Path(name)
        finally:
            if held is not None:
                os.close(held)


def _lock(folder: Path) -> int | None:
    """A descriptor that locks the folder until it is closed or its process ends; None where another holds it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
