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
"""Prefix of the folders that `own_temporary_folder` makes."""

VARIABLE: Final = "TMPDIR"
"""Environment variable that passes the temporary folder to child processes of any kind."""


@contextmanager
def made_folder(out: Path) -> Iterator[None]:
    """Make a folder; if the block fails, remove the new folders again, unless they hold something."""
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

    A folder whose process lives is locked. On a file system without locks none counts as abandoned.

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
    """Put all temporary files of this process and its children into one folder, removed when the block ends.

    TensorFlow, Beam and TFX leave files there, or remove them only if the interpreter exits normally. Yields None
    if no folder can be made; code that needs one then reports it.
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
    """Return the temporary folder shared by all commands: the parent of this command's own.

    Raises:
        FileNotFoundError: no folder can be written.
    """
    folder = Path(tempfile.gettempdir())
    return folder.parent if folder.name.startswith(PREFIX) else folder
