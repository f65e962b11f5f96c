"""Worker processes that score: `heartbeat-worker`, which engines start, and those of Beam's local runner.

Usage: heartbeat-worker --id=ID --provision_endpoint=HOST:PORT (the engine gives these and others), as the command of a
PROCESS environment or the entry point of an image. It ends soon after the process that started it, so a killed engine
leaves no workers behind. Local workers end with the process that submitted the job.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final, NoReturn

from components.io.scratch import own_temporary_folder
from components.io.signals import ignore_interrupts
from components.io.submitter import ORPHANED, POLL_SECONDS, LocalSubmitter
from components.score.beam_private import import_beam, leave_out_unused, run_worker, worker_environment

PROVISION_SECONDS: Final = 60.0
"""How long an engine that listens may take to answer; where none listens, a worker ends at once."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run a worker of an engine until the engine, or the engine's end, stops it."""
    parent = os.getppid()  # before anything that takes time: what started this process may be killed meanwhile
    arguments = _arguments(argv)
    with own_temporary_folder() as folder:
        signal.signal(signal.SIGTERM, lambda *_: _end(folder))  # how Flink and Spark end a worker
        threading.Thread(target=_end_with_parent, args=(parent, folder), daemon=True, name="watch-parent").start()
        leave_out_unused()
        import_beam()
        os.environ.update(
            worker_environment(
                arguments.id,
                arguments.provision_endpoint,
                {"control": arguments.control_endpoint, "logging": arguments.logging_endpoint},
                arguments.semi_persist_dir,
                PROVISION_SECONDS,
            )
        )
        run_worker()


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="heartbeat-worker", description="A Beam worker that scores beats.")
    parser.add_argument("--id", required=True, help="the worker's name at the engine")
    parser.add_argument("--provision_endpoint", required=True, help="where the engine tells all else")
    parser.add_argument("--control_endpoint", default="", help="where work comes from, if the engine tells it here")
    parser.add_argument("--logging_endpoint", default="", help="where log lines go, likewise")
    parser.add_argument("--semi_persist_dir", default="/tmp", help="a folder for what Beam keeps")
    return parser.parse_known_args(argv)[0]


def _end_with_parent(parent: int, folder: Path | None) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    _end(folder)


def _end(folder: Path | None) -> NoReturn:
    """End this process at once, without the interpreter's wait for Beam's threads, and remove its folder."""
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(ORPHANED)


def local_worker_command(submitter: LocalSubmitter) -> str:
    """Return the shell command that starts a local worker of a submitting process."""
    program = "from components.score.engines.worker import main_local; main_local()"
    return f"exec {shlex.join([sys.executable, '-c', program, json.dumps(asdict(submitter))])}"


def main_local() -> None:
    """Run a local worker until Beam or its submitter's end stops it; Ctrl-C is for the submitter."""
    LocalSubmitter(**json.loads(sys.argv[1])).watch()
    ignore_interrupts()
    leave_out_unused()
    import_beam()
    run_worker()


if __name__ == "__main__":
    main()
