"""A local worker process: Beam's own, that watches its submitter from its first moment and leaves Ctrl-C to it.

Usage: python -m components.score.worker SUBMITTER_AS_JSON, in the environment that Beam's local runner prepares.
"""

from __future__ import annotations

import json
import shlex
import signal
import sys
from dataclasses import asdict

from components.score.lean import leave_out_unused
from components.score.watch import Submitter, stop_with


def worker_command(submitter: Submitter) -> str:
    """The shell command that starts a worker."""
    module = [sys.executable, "-m", "components.score.worker", json.dumps(asdict(submitter))]
    return f"exec {shlex.join(module)}"


def main() -> None:
    """Run a worker until Beam or its submitter's end stops it."""
    stop_with(Submitter(**json.loads(sys.argv[1])))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    leave_out_unused()
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main(sys.argv[:1])


if __name__ == "__main__":
    main()
