"""Signal handling: SIGTERM becomes an exception, Ctrl-C may be ignored. For the main thread only."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, as shells have it."""

TERMINATED: Final = 143
"""Exit code after SIGTERM."""


class Terminated(SystemExit):
    """SIGTERM arrived. Like KeyboardInterrupt this is not an error, so `except Exception` does not catch it."""

    def __init__(self) -> None:
        super().__init__(TERMINATED)


@contextmanager
def sigterm_raised() -> Iterator[None]:
    """Raise Terminated if SIGTERM arrives within the block.

    Raises:
        Terminated: it arrived.
    """

    def terminate(*_: object) -> NoReturn:
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def interrupts_ignored() -> Iterator[None]:
    """Ignore Ctrl-C within the block: for a few renames that belong together."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def ignore_interrupts() -> None:
    """Ignore Ctrl-C for good: a terminal also sends it to workers, but their parent decides."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
