"""The lock of a scoring directory on an object store: an object that its holder keeps fresh.

Stores have no locks, and Beam's file systems no conditional write. So whoever wants the directory first writes a claim
and then looks for others: of two that come at the same time, at least one sees the other, and who sees one withdraws.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from components.beats.errors import EnvironmentRefused
from components.score.folder import Folder, folder_at, write_whole

LOCK_DIR: Final = "lock"

REFRESH_SECONDS: Final = 30.0
STALE_SECONDS: Final = 120.0
"""Four refreshes missed, or clocks that differ by so much: then the holder is taken for dead."""

Held = Callable[[], None]
"""Raises EnvironmentRefused when the lock is no longer held."""


@contextmanager
def remotely_locked(output: str, clock: Callable[[], float] = time.time) -> Iterator[Held]:
    """Holds a prefix of an object store; what is yielded tells whether it is still held.

    Args:
        output: URI of the prefix.
        clock: seconds since 1970.

    Raises:
        EnvironmentRefused: another job holds it, or the store is not reached.
    """
    folder = folder_at(output)
    claim = _Claim(folder, clock)
    claim.refresh()
    try:
        _refuse_if_held(folder, claim.place, clock)
        claim.start()
        try:
            yield claim.check
        finally:
            claim.stop()
    finally:
        folder.remove(claim.place)


def _refuse_if_held(folder: Folder, mine: str, clock: Callable[[], float]) -> None:
    for name in folder.names(LOCK_DIR):
        content = None if name == mine else folder.read(name)
        if content is None:
            continue
        told = json.loads(content)
        if clock() - told["refreshed"] < STALE_SECONDS:
            raise EnvironmentRefused(
                f"Another job, on {told['host']}, is at work in {folder.place}: wait until it has ended (two minutes "
                "after it was killed), or choose another --output."
            )
        folder.remove(name)


class _Claim(threading.Thread):
    """One process's object, refreshed in the background."""

    def __init__(self, folder: Folder, clock: Callable[[], float]) -> None:
        super().__init__(name="score-lock", daemon=True)
        self.place = f"{LOCK_DIR}/{uuid.uuid4().hex}.json"
        self._folder, self._clock = folder, clock
        self._refreshed = clock()
        self._ended = threading.Event()

    def refresh(self) -> None:
        """Write that the holder lives."""
        now = self._clock()
        content = json.dumps({"refreshed": now, "host": socket.gethostname()})
        write_whole(self._folder, self.place, content.encode())
        self._refreshed = now

    def run(self) -> None:
        """Refreshes until stopped; one that fails is tried again, and `check` tells when that was too long ago.

        Source: threading.Thread.
        """
        while not self._ended.wait(REFRESH_SECONDS):
            try:
                self.refresh()
            except EnvironmentRefused as error:
                logging.warning("the lock of %s was not refreshed: %s", self._folder.place, error)

    def stop(self) -> None:
        """End the refreshing."""
        self._ended.set()
        self.join()

    def check(self) -> None:
        """Raise if others may have taken this process for dead.

        Raises:
            EnvironmentRefused: the claim is stale or gone.
        """
        late = self._clock() - self._refreshed
        if late >= STALE_SECONDS or self._folder.read(self.place) is None:
            raise EnvironmentRefused(
                f"The lock of {self._folder.place} was lost ({late:.0f} s without a refresh), so another job may have "
                "begun there. Go on with --resume."
            )
