"""Folders that appear only when complete, and temporary ones, removed at exit or, after a kill, by the next command."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from components.io.lock import flocked

PREFIX: Final = "heartbeat-tmp-"
"""Of the folders that `own_temporary_folder` makes."""

VARIABLE: Final = "TMPDIR"
"""Name of the environment variable by which child processes, Python's and others, learn the temporary folder."""


@contextmanager
def made_folder(out: Path) -> Iterator[None]:
    """Make a folder; if the block fails, remove what was made again, unless it holds something."""
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
def scratch_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Make a folder in `parent` and remove it at the end; first remove those that killed processes have left.

    A folder whose process lives is locked. On a file system without locks none is taken for abandoned.

    Raises:
        OSError: it cannot be made.
    """
    for abandoned in parent.glob(f"{prefix}*"):
        with suppress(OSError), flocked(abandoned):
            shutil.rmtree(abandoned, ignore_errors=True)
    with ExitStack() as stack:
        folder = _locked_folder(parent, prefix, stack)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)  # before the lock is given up
        yield folder


def _locked_folder(parent: Path, prefix: str, stack: ExitStack) -> Path:
    """Make a folder and lock it; again, if another process took it for abandoned in between."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        try:
            stack.enter_context(flocked(folder))
        except (FileNotFoundError, BlockingIOError):
            continue
        except OSError:  # a file system without locks
            return folder
        if folder.exists():
            return folder


@contextmanager
def own_temporary_folder() -> Iterator[Path | None]:
    """Have all temporary files of this process and of its children in one folder, and remove it when the block ends.

    TensorFlow, Beam and TFX leave files there, or remove them only where the interpreter ends by itself. Yields None
    where no folder can be made; what needs one then says so.
    """
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(scratch_folder(shared_temporary_folder(), PREFIX))
        except OSError:
            yield None
            return
        before = tempfile.tempdir, os.environ.get(VARIABLE)
        tempfile.tempdir = os.environ[VARIABLE] = str(folder)
        try:
            yield folder
        finally:
            tempfile.tempdir = before[0]
            if before[1] is None:
                del os.environ[VARIABLE]
            else:
                os.environ[VARIABLE] = before[1]


def shared_temporary_folder() -> Path:
    """Return the temporary folder that other commands have as well: the one this command's own is in.

    Raises:
        FileNotFoundError: no folder can be written.
    """
    folder = Path(tempfile.gettempdir())
    return folder.parent if folder.name.startswith(PREFIX) else folder
