"""A file in a scoring directory that whoever is at work there keeps fresh: where it stays as it is, he is dead."""

from __future__ import annotations

import json
import logging
import socket
import threading
import uuid
from collections.abc import Callable
from typing import Final

from components.errors import EnvironmentRefused
from components.io.folder import Folder, write_whole

LOCK_DIR: Final = "lock"

REFRESH_SECONDS: Final = 30.0
STALE_SECONDS: Final = 120.0
"""Four refreshes missed, or clocks that differ by so much: then the holder is taken for dead."""


class Claim(threading.Thread):
    """One process's file, refreshed in the background.

    Args:
        folder: the scoring directory.
        clock: seconds since 1970.
    """

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
