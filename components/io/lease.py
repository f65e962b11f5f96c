"""Who submitted a job to a cluster, as its workers can see him: a file in the scoring directory that he keeps fresh.

A process number means nothing on another machine, or in another container; the directory is what all of them can read.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from components.errors import EnvironmentRefused
from components.io.claim import STALE_SECONDS, Claim
from components.io.files import is_remote
from components.io.folder import folder_at

LOCAL_SECONDS: Final = 1.0
REMOTE_SECONDS: Final = 10.0
"""How often a worker looks: on an object store that is a request."""


@dataclass(frozen=True)
class Lease:
    """What a worker needs to look for its submitter.

    Attributes:
        output: the scoring directory.
        name: of the file in it.
    """

    output: str
    name: str

    def watch(self) -> None:
        """Nothing to prepare: a worker looks between two blocks."""

    def is_gone(self, at_once: bool = False) -> bool:
        """Whether the submitter has ended, has given up, or was not heard of for two minutes.

        Args:
            at_once: look, even if that was done a moment ago.
        """
        with _looking:
            if self not in _looks:
                _looks[self] = _Look(self, time.monotonic)
            return _looks[self].is_gone(at_once)


class _Look:
    """What a process has seen of a lease; by its own clock, as those of two machines differ."""

    def __init__(self, lease: Lease, clock: Callable[[], float]) -> None:
        self._folder, self._name, self._clock = folder_at(lease.output), lease.name, clock
        self._every = REMOTE_SECONDS if is_remote(lease.output) else LOCAL_SECONDS
        self._looked = -self._every
        self._changed = clock()
        self._content: bytes | None = b""

    def is_gone(self, at_once: bool) -> bool:
        now = self._clock()
        if self._content is not None and (at_once or now - self._looked >= self._every):
            self._looked = now
            with contextlib.suppress(EnvironmentRefused):  # a store that is not reached says nothing of the submitter
                content = self._folder.read(self._name)
                if content != self._content:
                    self._content, self._changed = content, now
        return self._content is None or now - self._changed >= STALE_SECONDS


_looks: dict[Lease, _Look] = {}
_looking = threading.Lock()


@contextmanager
def leasing(output: str) -> Iterator[Lease]:
    """This process as a submitter, for as long as it has an interest in its workers' work.

    Raises:
        EnvironmentRefused: the scoring directory cannot be written.
    """
    folder = folder_at(output)
    claim = Claim(folder, time.time)
    claim.refresh()
    try:
        claim.start()
        try:
            yield Lease(output, claim.place)
        finally:
            claim.stop()
    finally:
        folder.remove(claim.place)
