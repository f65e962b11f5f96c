"""A folder for unfinished work beside the finished one, which does not outlive those who work in it for long."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = ".prepare-"


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
