"""A process that never outlives the one that started it: job servers, and test clusters.

Usage: python -m components.score.engines.guard COMMAND..., with a pipe as standard input: the command, with all that it
started, is killed when the pipe's other end closes, which the kernel does for a killed process as well.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

END_SECONDS: Final = 3.0
"""How long a command may take to end when it is asked to; then it is killed."""


@contextmanager
def guarded(command: Sequence[str], log: Path, environ: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen]:
    """Run a command beside this process, append its output to a log, and end it with the block or with this process."""
    with log.open("ab") as sink:
        guard = subprocess.Popen(
            [sys.executable, "-m", "components.score.engines.guard", *command],
            stdin=subprocess.PIPE,
            stdout=sink,
            stderr=sink,
            env=None if environ is None else dict(environ),
            start_new_session=True,  # Ctrl-C in the terminal is for this process alone
        )
    assert guard.stdin is not None
    try:
        yield guard
    finally:
        guard.stdin.close()
        guard.wait()


def main() -> int:
    """Run the command; its exit code is the guard's, as a shell has it: 137 after SIGKILL."""
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    threading.Thread(target=_end_with_stdin, args=(child,), daemon=True).start()
    code = child.wait()
    return code if code >= 0 else 128 - code


def _end_with_stdin(child: subprocess.Popen) -> None:
    while os.read(sys.stdin.fileno(), 1):  # unbuffered: a buffer's lock would be held at the interpreter's end
        pass
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(END_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
