"""Scoring on clusters of this machine beside bare processes and the local runner.

Usage: python -m bench.flink MODEL_DIR FILE.csv [--only NAME ...] [--rows 1000000] [--few 350000]

Rates are of the time between the beginning of the first shard and the end of the last, as the shards' records tell it:
start-up excluded. The cost of a job on Flink beside the local runner is that of the whole command, start-up and all.
All figures are wall seconds and need an idle machine; `make engines` has to have fetched the engines.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.beat_files import linked
from bench.score import line
from tools.local_flink import flink_cluster
from tools.local_spark import spark_cluster

WORKER = "components.score.engines.worker"


@dataclass(frozen=True)
class Timed:
    """A job that has ended.

    Attributes:
        rows: scored.
        span: seconds from the beginning of the first shard to the end of the last.
        start: seconds from the command to the beginning of the first shard.
        command: seconds of the whole command.
        peak: most memory of one worker process in MiB; 0 where there was none.
    """

    rows: int
    span: float
    start: float
    command: float
    peak: float = 0.0

    @property
    def rate(self) -> float:
        """Rows a second, start-up excluded."""
        return self.rows / self.span


def timed(outputs: list[Path], began: float, ended: float, peak: float = 0.0) -> Timed:
    """Return the figures of a job that wrote into these directories between two moments, in seconds since 1970."""
    records = [(path, json.loads(path.read_text())) for out in outputs for path in (out / "shards").glob("*.json")]
    ends = [path.stat().st_mtime for path, _ in records]
    starts = [end - record["seconds"] for end, (_, record) in zip(ends, records, strict=True)]
    rows = sum(record["rows"] for _, record in records)
    return Timed(rows, max(ends) - min(starts), min(starts) - began, ended - began, peak)


class Peak(threading.Thread):
    """Looks for the most memory that a worker process of an engine has had."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.mib = 0.0
        self.done = threading.Event()

    def run(self) -> None:
        """Look until done."""
        while not self.done.wait(0.5):
            for entry in Path("/proc").glob("[0-9]*"):
                try:
                    if WORKER in (entry / "cmdline").read_text():
                        [peak] = [row for row in (entry / "status").read_text().splitlines() if "VmHWM" in row]
                        self.mib = max(self.mib, int(peak.split()[1]) / 1024)
                except (OSError, ValueError):
                    continue


def command(model_dir: str, pattern: str, out: Path, flags: list[str]) -> Timed:
    """Run and time `heartbeat score` as a process."""
    program = [sys.executable, "-W", "ignore", "-c", "from pipeline.cli import run; run()", "score"]
    given = ["--model", model_dir, "--input", pattern, "--output", str(out), "--json"]
    peak = Peak()
    peak.start()
    began = time.time()
    done = subprocess.run([*program, *given, *flags], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    ended = time.time()
    peak.done.set()
    if done.returncode:
        sys.exit(done.stderr)
    return timed([out], began, ended, peak.mib)


def bare(model_dir: str, halves: list[str], scratch: Path) -> Timed:
    """Time processes that know nothing of each other, one for each folder of inputs."""
    outs = [scratch / f"bare-{len(halves)}-{at}" for at in range(len(halves))]
    measure = [sys.executable, "-W", "ignore", "-m", "bench.score", model_dir]
    began = time.time()
    both = [
        subprocess.Popen(
            [*measure, *sorted(map(str, Path(half).iterdir())), "--measure", "job", "--out", str(out)],
            stdout=subprocess.DEVNULL,
        )
        for half, out in zip(halves, outs, strict=True)
    ]
    if any(process.wait() for process in both):
        sys.exit("a bare process failed")
    return timed(outs, began, time.time())


@dataclass(frozen=True)
class Inputs:
    """The same beats, more or fewer times over, as folders of links.

    Attributes:
        model_dir: the model.
        many: for figures of the whole command.
        few: for rates.
        halves: as many as `few` for each of two processes.
        scratch: for what is written.
        worker: path of heartbeat-worker.
    """

    model_dir: str
    many: Path
    few: Path
    halves: tuple[Path, Path]
    scratch: Path
    worker: Path

    def flags(self, engine: str, address: str) -> list[str]:
        """Return the flags of a job on a cluster of this machine."""
        return ["--on", f"{engine}://{address}", "--assume-shared", "--worker-command", str(self.worker)]


def flink(given: Inputs) -> None:
    """Compare Flink with the local runner, and two TaskManagers with one, beside bare processes."""
    local = command(given.model_dir, f"{given.many}/*.csv", given.scratch / "local", ["--workers", "2"])
    on_flink = {}
    for count, folder in ((2, given.many), (1, given.few)):
        with flink_cluster(given.scratch / f"flink-{count}", count) as cluster:
            flags = given.flags("flink", cluster.address)
            on_flink[count] = command(given.model_dir, f"{folder}/*.csv", given.scratch / f"on-flink-{count}", flags)
    one, two = on_flink[1], on_flink[2]
    bare_one = bare(given.model_dir, [str(given.halves[0])], given.scratch)
    bare_two = bare(given.model_dir, [str(half) for half in given.halves], given.scratch)
    line(
        f"{two.rows:,} beats, Flink against local, whole command",
        two.command,
        local.command,
        "peer",
        "s",
        local.command / two.command,
    )
    line("the same, start-up", two.start, local.start, "peer", "s", local.start / two.start)
    line("the same, start-up excluded", two.rate, local.rate, "peer", "rows/s", two.rate / local.rate)
    line("Flink, two TaskManagers against one", two.rate, one.rate, "peer", "rows/s", two.rate / one.rate)
    line(
        "two bare processes against one", bare_two.rate, bare_one.rate, "peer", "rows/s", bare_two.rate / bare_one.rate
    )
    line("one process, Flink against bare", one.rate, bare_one.rate, "limit", "rows/s", one.rate / bare_one.rate)
    line("two processes, Flink against bare", two.rate, bare_two.rate, "limit", "rows/s", two.rate / bare_two.rate)
    line("peak memory of a worker on Flink", two.peak, 2048, "limit", "MiB", 2048 / two.peak)


def spark(given: Inputs) -> None:
    """Compare Spark with two workers and the local runner with two."""
    local = command(given.model_dir, f"{given.few}/*.csv", given.scratch / "local-s", ["--workers", "2"])
    with spark_cluster(given.scratch / "spark", 2) as cluster:
        flags = given.flags("spark", cluster.address)
        own = command(given.model_dir, f"{given.few}/*.csv", given.scratch / "on-spark", flags)
    line(
        f"{own.rows:,} beats, Spark against the local runner",
        own.rate,
        local.rate,
        "peer",
        "rows/s",
        own.rate / local.rate,
    )
    line("the same, start-up", own.start, local.start, "peer", "s", local.start / own.start)
    line("peak memory of a worker on Spark", own.peak, 2048, "limit", "MiB", 2048 / own.peak)


PARTS: dict[str, Callable[[Inputs], None]] = {part.__name__: part for part in (flink, spark)}


@contextmanager
def inputs(model_dir: str, path: str, many: int, few: int) -> Iterator[Inputs]:
    """Yield links to a file that hold so many rows at least, and the program of the workers."""
    with open(path, "rb") as file:
        rows = sum(1 for _ in file)
    scratch = Path(tempfile.mkdtemp(prefix="heartbeat-bench-"))
    try:
        worker = scratch / "heartbeat-worker"
        worker.write_text(f'#!/bin/sh\nexec {sys.executable} -W ignore -m {WORKER} "$@"\n')
        worker.chmod(0o755)
        folders = {"many": many, "few": few, "left": few, "right": few}
        for name, wanted in folders.items():
            linked([path], -(-wanted // rows), scratch / name)
        halves = scratch / "left", scratch / "right"
        yield Inputs(model_dir, scratch / "many", scratch / "few", halves, scratch, worker)
    finally:
        shutil.rmtree(scratch)


def main() -> None:
    """Take the measures asked for and print a line each."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("model", help="a pushed model's directory")
    arguments.add_argument("input", help="a labelled CSV file")
    arguments.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="leave the others out")
    arguments.add_argument("--rows", type=int, default=1_000_000, help="of the larger jobs, by linking the file")
    arguments.add_argument("--few", type=int, default=350_000, help="of the smaller ones")
    given = arguments.parse_args()
    with inputs(str(Path(given.model).absolute()), given.input, given.rows, given.few) as made:
        for name in given.only:
            PARTS[name](made)


if __name__ == "__main__":
    main()
