"""Where a run reads and writes: its data, its root with the lock, the folder of one run."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from components.errors import EnvironmentRefused
from components.io.lock import flocked

DEMO_FOLDER = "demo"
"""Folder of the synthetic demo set under a root."""


@dataclass(frozen=True)
class Locations:
    """Where the data, the root and the serving directory of a run are."""

    data: str  # directory or URI of the beats
    root: Path  # local directory of runs, metadata and artifacts
    serving: str  # directory or URI that models are pushed to

    @property
    def artifacts(self) -> Path:
        """Folder of TFX's artifacts and metadata."""
        return self.root / "tfx"


def data_location(root: Path, data: str | None) -> str:
    """Return `--data`, else `data/` if beats are there, else the folder of the demo set under the root."""
    from components.beats.kaggle import TEST_FILE, TEST_PARQUET, TRAIN_FILE, TRAIN_PARQUET

    if data is not None:
        return data
    packed = [f"{name}.gz" for name in (TRAIN_FILE, TEST_FILE)]
    names = [TRAIN_FILE, TEST_FILE, *packed, TRAIN_PARQUET, TEST_PARQUET]
    return "data" if any(Path("data", name).exists() for name in names) else str(root / DEMO_FOLDER)


@contextmanager
def root_locked(root: Path) -> Iterator[None]:
    """Create a root and hold it for this process; the lock dies with the process.

    Raises:
        EnvironmentRefused: another run holds the root, or it cannot be created, written or locked.
    """
    lock = root / "lock"
    with ExitStack() as stack:
        try:
            root.mkdir(parents=True, exist_ok=True)
            lock.touch()
            handle = stack.enter_context(flocked(lock))
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError:
            holder = lock.read_text(encoding="utf-8").strip() or "unknown"
            raise EnvironmentRefused(
                f"The root {root} is busy: process {holder} runs in it. Wait for it, or name another root with --root."
            ) from None
        except OSError as error:
            raise EnvironmentRefused(
                f"The root {root} cannot be written or locked ({error.strerror}): free it, or name another, on a local "
                "disk, with --root."
            ) from error
        yield


def new_run_folder(root: Path) -> Path:
    """Create `runs/<run id>/` of a locked root; the id is the start time in UTC, so that ids sort by time."""
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%S")
    folder, count = root / "runs" / stamp, 0
    while folder.exists():
        count += 1
        folder = root / "runs" / f"{stamp}-{count}"
    folder.mkdir(parents=True)
    return folder
