"""Speed of scoring on clusters on this machine, compared with bare processes and the local runner.

Usage: python -m bench.flink MODEL_DIR FILE.csv [--only NAME ...] [--rows 1000000] [--few 350000]

Rates cover the time from the beginning of the first shard to the end of the last, as the shards' records have it, so
start-up is excluded. The cost of a job on Flink, compared with the local runner, is that of the whole command. All
figures are wall seconds and need an idle machine; run `make engines` first.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.measure import fresh_together, linked, peak_mib, print_line
from bench.score import PROGRAM, job
from tools.local_cluster import local_cluster

WORKER = "components.score.engines.worker"


@dataclass(frozen=True)
class Timed:
    """A job that has ended."""

    rows: int
    span: float  # seconds from the beginning of the first shard to the end of the last
    start: float  # seconds from the command to the beginning of the first shard
    command: float  # seconds of the whole command
    peak: float = 0.0  # most memory of one worker process in MiB; 0 where there was none

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
    """A thread that looks for the most memory that a worker process of an engine has had."""

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
                        self.mib = max(self.mib, peak_mib(entry))
                except (OSError, ValueError):
                    continue


def command(model_dir: str, pattern: str, out: Path, flags: list[str]) -> Timed:
    """Run and time `heartbeat score` as a process, in float32 wherever it runs."""
    words = [*PROGRAM, "--model", model_dir, "--input", pattern, "--output", str(out), "--precision", "float32", *flags]
    peak = Peak()
    peak.start()
    began = time.time()
    done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    ended = time.time()
    peak.done.set()
    if done.returncode:
        sys.exit(done.stderr)
    return timed([out], began, ended, peak.mib)


def bare(model_dir: str, halves: Sequence[Path], scratch: Path) -> Timed:
    """Time processes that know nothing of each other, one for each folder of inputs."""
    outs = [scratch / f"bare-{len(halves)}-{i}" for i in range(len(halves))]
    began = time.time()
    inputs = [sorted(map(str, half.iterdir())) for half in halves]
    fresh_together(job, [(model_dir, files, str(out)) for files, out in zip(inputs, outs, strict=True)])
    return timed(outs, began, time.time())


@dataclass(frozen=True)
class Inputs:
    """The same beats, more or fewer times over, as folders of links."""

    model_dir: str
    many: Path  # folder of links for figures of the whole command
    few: Path  # folder of links for rates
    halves: tuple[Path, Path]  # folders of as many links as `few` for each of two processes
    scratch: Path
    worker: Path

    def flags(self, engine: str, address: str) -> list[str]:
        """Return the flags of a job on a cluster of this machine."""
        return ["--on", f"{engine}://{address}", "--assume-shared", "--worker-command", str(self.worker)]


def flink(inputs: Inputs) -> None:
    """Compare Flink with the local runner and with bare processes, and two TaskManagers with one."""
    local = command(inputs.model_dir, f"{inputs.many}/*.csv", inputs.scratch / "local", ["--workers", "2"])
    on_flink = {}
    for count, folder in ((2, inputs.many), (1, inputs.few)):
        with local_cluster("flink", inputs.scratch / f"flink-{count}", count) as cluster:
            flags = inputs.flags("flink", cluster.address)
            on_flink[count] = command(inputs.model_dir, f"{folder}/*.csv", inputs.scratch / f"on-flink-{count}", flags)
    one, two = on_flink[1], on_flink[2]
    bare_one, bare_two = (bare(inputs.model_dir, inputs.halves[:count], inputs.scratch) for count in (1, 2))
    whole = f"{two.rows:,} beats on Flink, whole command; compared with the local runner"
    print_line(whole, two.command, local.command, "s", local.command / two.command)
    print_line("the same, start-up alone", two.start, local.start, "s", local.start / two.start)
    print_rates("the same, start-up excluded", two, local)
    print_rates("two TaskManagers; compared with one", two, one)
    print_rates("two bare processes; compared with one", bare_two, bare_one)
    print_rates("one TaskManager; compared with a bare process", one, bare_one, "limit")
    print_rates("two TaskManagers; compared with two bare processes", two, bare_two, "limit")
    print_line("peak memory of a worker on Flink", two.peak, 2048, "MiB", 2048 / two.peak, "limit")


def print_rates(name: str, own: Timed, other: Timed, kind: str = "peer") -> None:
    """Print a comparison of rates."""
    print_line(name, own.rate, other.rate, "rows/s", own.rate / other.rate, kind)


def spark(inputs: Inputs) -> None:
    """Compare Spark with two workers and the local runner with two."""
    local = command(inputs.model_dir, f"{inputs.few}/*.csv", inputs.scratch / "local-s", ["--workers", "2"])
    with local_cluster("spark", inputs.scratch / "spark", 2) as cluster:
        flags = inputs.flags("spark", cluster.address)
        own = command(inputs.model_dir, f"{inputs.few}/*.csv", inputs.scratch / "on-spark", flags)
    print_rates(f"{own.rows:,} beats on Spark, start-up excluded; compared with the local runner", own, local)
    print_line("the same, start-up alone", own.start, local.start, "s", local.start / own.start)
    print_line("peak memory of a worker on Spark", own.peak, 2048, "MiB", 2048 / own.peak, "limit")


PARTS: dict[str, Callable[[Inputs], None]] = {part.__name__: part for part in (flink, spark)}


@contextmanager
def linked_inputs(model_dir: str, path: str, many: int, few: int) -> Iterator[Inputs]:
    """Yield links to a file that hold so many rows at least, and the program of the workers."""
    with open(path, "rb") as file:
        rows = sum(1 for _ in file)
    with tempfile.TemporaryDirectory(prefix="heartbeat-bench-") as folder:
        scratch = Path(folder)
        worker = scratch / "heartbeat-worker"
        worker.write_text(f'#!/bin/sh\nexec {sys.executable} -W ignore -m {WORKER} "$@"\n')
        worker.chmod(0o755)
        for name, size in {"many": many, "few": few, "half-1": few, "half-2": few}.items():
            linked([path], -(-size // rows), scratch / name)
        halves = scratch / "half-1", scratch / "half-2"
        yield Inputs(model_dir, scratch / "many", scratch / "few", halves, scratch, worker)


def main() -> None:
    """Take the chosen measures and print a line for each comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a pushed model's directory")
    parser.add_argument("input", help="a labelled CSV file")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="take only these measures")
    parser.add_argument("--rows", type=int, default=1_000_000, help="least rows of larger jobs, by linking the file")
    parser.add_argument("--few", type=int, default=350_000, help="least rows of smaller jobs")
    options = parser.parse_args()
    model_dir = str(Path(options.model).absolute())
    with linked_inputs(model_dir, options.input, options.rows, options.few) as inputs:
        for name in options.only:
            PARTS[name](inputs)


if __name__ == "__main__":
    main()
