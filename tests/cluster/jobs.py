"""`heartbeat score` as a process, and what it leaves on a cluster of this machine."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.score.jobs import digests

FILES = 24
"""Inputs, each a shard: enough for a moment in the middle."""

WAIT_SECONDS = 900
SESSION = f"HEARTBEAT_TEST_SESSION={uuid.uuid4().hex}"
"""In the environment of every process of these tests, so that no other is looked at or sent a signal."""

PROGRESS = re.compile(r"[0-9,]+ of [0-9,]+ shards, ")
ENDED = re.compile(r"shard (\S+) ended")


@dataclass(frozen=True)
class Beats:
    """Inputs, a model, and what an unbroken local job makes of them."""

    pattern: str
    model: str
    unbroken: Path
    rows: int
    rejects: int


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def sentences(self):
        """What was told, less the lines of progress."""
        return [line for line in self.err.splitlines() if line and not PROGRESS.match(line)]


class Job:
    started: ClassVar[list] = []

    def __init__(self, command, environ):
        self.started.append(self)
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environ,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's `&` has it ignored
        )

    def ended(self):
        out, err = self.process.communicate(timeout=WAIT_SECONDS)
        return Ended(self.process.returncode, out, err)

    @classmethod
    def end_all(cls):
        for job in cls.started:
            if job.process.poll() is None:
                job.process.kill()
                job.process.communicate()
        cls.started.clear()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)


def score(beats, output, environ, *flags, pattern=None, model=None):
    """Start a job; `ended()` of it waits."""
    command = [sys.executable, "-W", "ignore", "-c", "from pipeline.cli import run; run()", "score"]
    command += ["--input", pattern or beats.pattern, "--model", model or beats.model, "--output", str(output)]
    return Job([*command, "--reject-budget", "5%", *map(str, flags)], environ)


def on(engine, cluster, worker_command, *flags):
    """Flags for a job on a cluster of this machine."""
    return ["--on", f"{engine}://{cluster.address}", "--worker-command", worker_command, *flags]


def await_shards(job, output, count):
    """Return when a job has done so many shards; it must not have ended before."""
    deadline = time.monotonic() + WAIT_SECONDS
    while shards(output) < count:
        if job.process.poll() is not None:
            raise AssertionError(f"the job ended before its middle: {job.ended()}")
        assert time.monotonic() < deadline, "the job never reached its middle"
        time.sleep(0.01)


def await_lease_given_up(output):
    """Return when the submitter has said that it has no interest any more in its workers' work."""
    deadline = time.monotonic() + WAIT_SECONDS
    while list(Path(output, "lock").glob("*")):
        assert time.monotonic() < deadline, "the submitter never gave up"
        time.sleep(0.05)


def shards(output):
    folder = Path(output, "shards")
    return len(list(folder.glob("*.json"))) if folder.exists() else 0


def assert_whole(beats, output):
    """Nothing lost, nothing doubled, and the bytes of a local job."""
    assert digests(output) == digests(beats.unbroken)
    summary = json.loads(Path(output, "summary.json").read_text())
    assert (summary["rows"]["scored"], summary["rows"]["rejected"]) == (beats.rows, beats.rejects)
    assert Path(output, "_SUCCESS").exists()


def shares(logs):
    """Log -> shards that a worker says it did."""
    return {log: set(ended_shards(log)) for log in logs}


def ended_shards(log):
    """The shards that a worker says it ended, in all jobs of its log."""
    return ENDED.findall(log.read_text(errors="replace"))


def processes(word):
    """Numbers of this session's processes whose command has a word, and that are not about to be reaped."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                ours = SESSION.encode() in (entry / "environ").read_bytes()
            except OSError:
                continue
            if ours and word in command:
                found.append(int(entry.name))
    return found


def send(numbers, what):
    for number in numbers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, what)


def await_none(*words):
    """Return when no process has one of these words in its command."""
    deadline = time.monotonic() + 120
    while left := [number for word in words for number in processes(word)]:
        assert time.monotonic() < deadline, f"{left} are still there"
        time.sleep(0.2)
