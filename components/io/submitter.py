"""The process that submitted a job, as seen by its workers; they stop when it has ended."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from components.errors import EnvironmentRefused
from components.io.lock import LOCK_DIR, STALE_SECONDS, Holder, flocked, is_flocked
from components.io.storage import storage_at

POLL_SECONDS: Final = 0.5
"""How often a worker process checks: a moment of work after the end does no harm."""

ORPHANED: Final = 143
"""Exit code of a worker process whose submitter is gone."""

WATCHER: Final = "watch-submitter"
"""Name of the thread that ends a worker process."""


@dataclass(frozen=True)
class LocalSubmitter:
    """A process of this machine.

    Attributes:
        host: its name.
        pid: its number there.
        lease: a file of the host that the process has locked while it waits for the job.
    """

    host: str
    pid: int
    lease: str

    def watch(self) -> None:
        """End this process soon after the submitter has ended; the submitter itself is unaffected."""
        if self.pid != os.getpid() and not any(thread.name == WATCHER for thread in threading.enumerate()):
            threading.Thread(target=self._end_with_it, daemon=True, name=WATCHER).start()

    def _end_with_it(self) -> None:
        while not self.is_gone():
            time.sleep(POLL_SECONDS)
        os._exit(ORPHANED)

    def is_gone(self, at_once: bool = False) -> bool:
        """Whether the process has ended, or has given up; for another host it is not known, so False."""
        return self.host == socket.gethostname() and not is_flocked(self.lease)


@contextmanager
def local_submitter() -> Iterator[LocalSubmitter]:
    """Be the submitter for processes of this machine within the block.

    Raises:
        EnvironmentRefused: the temporary folder cannot be written, or has no locks.
    """
    with ExitStack() as stack:
        try:
            lease = stack.enter_context(tempfile.NamedTemporaryFile(prefix="heartbeat-score-lease-"))
            stack.enter_context(flocked(lease.name))
        except OSError as error:
            raise EnvironmentRefused(
                f"The temporary folder cannot be used ({error.strerror}): name one on a local disk in TMPDIR."
            ) from error
        yield LocalSubmitter(socket.gethostname(), os.getpid(), lease.name)


class RemoteSubmitter:
    """A process anywhere: gone when its file is, or when that has not changed for two minutes.

    A process number means nothing on another machine, or in another container; the scoring directory is what all of
    them can read.

    Args:
        output: the scoring directory.
        name: of the file in it.
        clock: seconds of this process.
    """

    def __init__(self, output: str, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.output, self.name, self._clock = output, name, clock
        self._folder = storage_at(output)
        self._looking = threading.Lock()
        self._content: bytes | None = b""
        self._changed = clock()
        self._looked = self._changed - self._folder.poll_seconds

    def __reduce__(self) -> tuple[type[RemoteSubmitter], tuple[str, str]]:
        return type(self), (self.output, self.name)

    def watch(self) -> None:
        """Do nothing: a worker checks between two blocks."""

    def is_gone(self, at_once: bool = False) -> bool:
        """Whether the submitter has ended, has given up, or was silent for two minutes.

        Args:
            at_once: check, even if that was done a moment ago.
        """
        with self._looking:
            now = self._clock()
            if self._content is not None and (at_once or now - self._looked >= self._folder.poll_seconds):
                self._looked = now
                with suppress(EnvironmentRefused):  # an unreachable store says nothing about the submitter
                    content = self._folder.read(self.name)
                    if content != self._content:
                        self._content, self._changed = content, now
            return self._content is None or now - self._changed >= STALE_SECONDS


Submitter = LocalSubmitter | RemoteSubmitter


@contextmanager
def remote_submitter(output: str) -> Iterator[RemoteSubmitter]:
    """Be the submitter for processes anywhere, within the block.

    Raises:
        EnvironmentRefused: the scoring directory cannot be written.
    """
    folder, name = storage_at(output), f"{LOCK_DIR}/{uuid.uuid4().hex}.json"

    def write(content: bytes) -> bool:
        folder.write(name, content)
        return True

    with Holder(write) as holder:
        try:
            holder.refresh()
            yield RemoteSubmitter(output, name)
        finally:
            holder.stop()
            folder.remove(name)
