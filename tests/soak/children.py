"""`heartbeat score` in processes that are forked with everything imported, so that hundreds take minutes.

A child may be told to kill itself just before its n-th write: a file or object created, renamed or removed.
"""

import multiprocessing
import os
import signal
import sys

import boto3
import tensorflow  # noqa: F401 - imported here so that children need not

import components.score.beam
import components.score.run  # noqa: F401
from pipeline.cli import heartbeat, main

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])

OPENED_TO_WRITE = os.O_WRONLY | os.O_RDWR
OBJECT_WRITES = ("Put", "Upload", "Copy", "Create", "Complete", "Delete")


def started(flags, log, environ=(), dies_at=None):
    """A running child; its words go to the file `log`."""
    child = CONTEXT.Process(target=_score, args=([str(flag) for flag in flags], str(log), dict(environ), dies_at))
    child.start()
    return child


def ended(flags, log, environ=(), dies_at=None):
    """The exit code of a child that ran to its end, -9 if it was killed."""
    child = started(flags, log, environ, dies_at)
    child.join()
    return child.exitcode


def _score(flags, log, environ, dies_at):
    os.environ.update(environ)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    if dies_at is not None:
        _die_at_write(dies_at, flags[flags.index("--output") + 1])
    code = main(heartbeat, ["score", *flags])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _die_at_write(number, output):
    left = [number]

    def count():
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def hear(event, given):
        is_write = event in ("os.rename", "os.remove", "os.mkdir") or (event == "open" and given[2] & OPENED_TO_WRITE)
        if is_write and isinstance(given[0], str) and given[0].startswith(output):
            count()

    sys.addaudithook(hear)
    client = type(boto3.client("s3", region_name="us-east-1")).__mro__[1]
    call = client._make_api_call

    def counted(self, operation, arguments):
        if operation.startswith(OBJECT_WRITES):
            count()
        return call(self, operation, arguments)

    client._make_api_call = counted
