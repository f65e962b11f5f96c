"""The lock of a scoring directory on an object store: an object that its holder keeps fresh.

Stores have no locks, and Beam's file systems no conditional write. So whoever wants the directory first writes a claim
and then looks for others: of two that come at the same time, at least one sees the other, and who sees one withdraws.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from components.errors import EnvironmentRefused
from components.io.claim import LOCK_DIR, STALE_SECONDS, Claim
from components.io.folder import Folder, folder_at

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
    claim = Claim(folder, clock)
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
