"""Keep everything that libraries print in a run's log, and leave the terminal to us.

TensorFlow's C++ code, absl, Beam, Keras and warnings all write to the file descriptors 1 and 2; both are pointed at
the log while a run goes on, and the terminal stays reachable through duplicates of the two.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO


@dataclass(frozen=True)
class Terminal:
    """The streams that the user sees: results on `out`, progress on `err`."""

    out: TextIO
    err: TextIO


@contextmanager
def output_captured(log: Path) -> Iterator[Terminal]:
    """Send descriptors 1 and 2 to a log file (appended) and yield the terminal that they led to.

    Args:
        log: the file; its folder exists.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    log_descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    terminal = Terminal(
        os.fdopen(os.dup(kept[0]), "w", encoding="utf-8", errors="backslashreplace"),
        os.fdopen(os.dup(kept[1]), "w", encoding="utf-8", errors="backslashreplace"),
    )
    handler = logging.StreamHandler(os.fdopen(os.dup(log_descriptor), "w", encoding="utf-8"))
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname).1s %(name)s %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    python_streams = sys.stdout, sys.stderr
    os.dup2(log_descriptor, 1)
    os.dup2(log_descriptor, 2)
    sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    sys.stderr = os.fdopen(os.dup(2), "w", encoding="utf-8", buffering=1)
    try:
        yield terminal
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        for stream in (sys.stdout, sys.stderr, handler.stream):
            stream.close()
        sys.stdout, sys.stderr = python_streams
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        for descriptor in (*kept, log_descriptor):
            os.close(descriptor)
        terminal.out.close()
        terminal.err.close()
