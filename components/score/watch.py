"""Workers that stop when whoever submitted their job is gone or has given up: nobody would take what they still do."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

POLL_SECONDS = 0.5
"""How often a worker looks: a moment of work after the end harms nobody."""

ORPHANED = 143
"""Exit code of a worker that stops so."""


class Interest(Protocol):
    """Whoever submitted a job, as its workers see him."""

    def watch(self) -> None:
        """Prepare a worker process; called more than once."""

    def is_gone(self, at_once: bool = False) -> bool:
        """Whether nobody would take what is still done; without `at_once` as it was a moment ago."""


@dataclass(frozen=True)
class Submitter:
    """A process on this host.

    Attributes:
        host: its name.
        pid: its number there.
        started: when it was started, in clock ticks since boot: a number may be given again.
        lease: a file of the host that is there while the process waits for the job.
    """

    host: str
    pid: int
    started: str | None
    lease: str

    @property
    def is_here(self) -> bool:
        """Whether it is a process of this host."""
        return self.host == socket.gethostname()

    def watch(self) -> None:
        """Ends this process soon after the submitter has ended. Source: a thread that looks."""
        stop_with(self)

    def is_gone(self, at_once: bool = False) -> bool:
        """Whether the process has ended, or has given up; of another host's it is not known, so no."""
        return self.is_here and (_started(self.pid) != self.started or not os.path.exists(self.lease))


@contextmanager
def submitting() -> Iterator[Submitter]:
    """This process as a submitter, for as long as it has an interest in its workers' work."""
    with tempfile.NamedTemporaryFile(prefix="heartbeat-score-lease-") as lease:
        yield Submitter(socket.gethostname(), os.getpid(), _started(os.getpid()), lease.name)


def _started(pid: int) -> str | None:
    """When a process was started; None if there is none, or it has ended and waits to be reaped."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


_watched = threading.Event()


def stop_with(submitter: Submitter) -> None:
    """Ends this process soon after the submitter has ended; the submitter itself goes on as it is."""
    if submitter.pid == os.getpid() or not submitter.is_here or _watched.is_set():
        return
    _watched.set()
    threading.Thread(target=_watch, args=(submitter,), daemon=True, name="watch-submitter").start()


def _watch(submitter: Submitter) -> None:
    while not submitter.is_gone():
        time.sleep(POLL_SECONDS)
    os._exit(ORPHANED)
