"""The scoring job beside what its parts allow: one core, two workers, larger inputs, start-up.

Usage: python -m bench.score MODEL_DIR FILE.csv [FILE.csv ...] [--only NAME ...] [--beats N ...]

Every figure is taken in a fresh process. One-core figures are CPU seconds, the least of three, so that a busy machine
matters less; those of several processes are wall seconds and need an idle one.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from bench.beat_files import as_parquet, as_tfrecord, linked
from components.score.job import ShardTask
from components.score.model import ModelRef
from components.score.settings import ScoreSettings

Figures = dict[str, float]

REPEATS = 3
TIMES = 4
"""How many times over the inputs of several workers are linked."""

BEATS = (100_000, 1_000_000, 5_000_000)


def job_seconds(model_dir: str, inputs: list[str], out: str) -> Figures:
    """Return CPU seconds and rows of a whole job in this process, model loaded and warm, and peak memory in MiB."""
    from components.score.model import find_model, loaded_model
    from components.score.run import ScoreRequest, score
    from components.score.settings import RejectBudget
    from components.score.shard import attempt_shard

    place = find_model(model_dir, "")
    model = loaded_model(place)
    warm(model_dir)

    def loop(tasks: Sequence[ShardTask], _: ModelRef, follow: Callable[[], object]) -> list[str]:
        for task in tasks:
            attempt_shard(task, lambda: model)
        return []

    def request(paths: list[str], output: str) -> ScoreRequest:
        return ScoreRequest(tuple(paths), output, place, ScoreSettings(), "refuse", RejectBudget("0"))

    with tempfile.TemporaryDirectory() as scratch:  # imports and first calls are no part of the rate
        with open(inputs[0], "rb") as file:
            beginning = b"".join(islice(file, 2)) if inputs[0].endswith(".csv") else file.read()
        first = Path(scratch) / os.path.basename(inputs[0])
        first.write_bytes(beginning)
        score(request([str(first)], f"{scratch}/out"), loop)
    began = time.process_time()
    summary = score(request(inputs, out), loop)
    if summary.exit_code:
        sys.exit("\n".join(summary.sentences))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu": time.process_time() - began, "rows": summary.rows["scored"], "peak": peak}


def warm(model_dir: str) -> None:
    """Have the model's graph built for the batch that is used."""
    import numpy as np

    from components.beat import SAMPLES
    from components.score.model import find_model, loaded_model

    model = loaded_model(find_model(model_dir, ""))
    model.answers(np.zeros((2 * ScoreSettings().batch, SAMPLES), np.float32), ScoreSettings().batch)


def csv_limit(model_dir: str, inputs: list[str], out: str) -> Figures:
    """Return CPU seconds of reading and counting, of parsing and of the model, each alone, for the same rows."""
    from components.io.csv import parse_block
    from components.io.shards import plan_text, read_lines
    from components.io.storage import list_files
    from components.score.model import find_model, loaded_model

    warm(model_dir)
    model = loaded_model(find_model(model_dir, ""))
    files = [file for path in inputs for file in list_files(path)]
    began = time.process_time()
    settings = ScoreSettings()
    shards = plan_text(files, settings.shard_bytes)
    spent = {"read": time.process_time() - began, "parse": 0.0, "model": 0.0}
    for shard in shards:
        for block in read_lines(shard, settings.block_bytes):
            began = time.process_time()
            parsed = parse_block(block)
            parsed_at = time.process_time()
            model.answers(parsed.signal, settings.batch)
            spent["parse"] += parsed_at - began
            spent["model"] += time.process_time() - parsed_at
    return {"cpu": sum(spent.values()), **spent}


def binary_limit(model_dir: str, inputs: list[str], out: str) -> Figures:
    """Return CPU seconds of reading blocks of beats and of the model, each alone, for the same rows."""
    from components.io.shards import plan_sources, read_shard
    from components.io.sources import find_sources
    from components.score.model import find_model, loaded_model

    warm(model_dir)
    model = loaded_model(find_model(model_dir, ""))
    settings = ScoreSettings()
    spent = {"read": 0.0, "model": 0.0}
    began = time.process_time()
    for shard in plan_sources(find_sources(inputs), settings.shard_bytes):
        for block in read_shard(
            shard, labelled=settings.labelled, block_bytes=settings.block_bytes, block_rows=settings.block_rows
        ):
            read = time.process_time()
            model.answers(block.signal, settings.batch)
            spent["model"] += time.process_time() - read
    spent["read"] = time.process_time() - began - spent["model"]
    return {"cpu": sum(spent.values()), **spent}


MEASURES: dict[str, Callable[[str, list[str], str], Figures]] = {
    "job": job_seconds,
    "csv_limit": csv_limit,
    "binary_limit": binary_limit,
}


def measure(name: str, model_dir: str, inputs: list[str], out: str) -> Figures:
    """Take one measure in a fresh process."""
    command = [sys.executable, "-W", "ignore", "-m", "bench.score", model_dir, *inputs, "--measure", name, "--out", out]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def least(names: Sequence[str], model_dir: str, inputs: list[str], scratch: Path) -> list[Figures]:
    """Take measures by turns and return, for each, the one of the least CPU seconds."""
    taken: dict[str, list[Figures]] = {name: [] for name in names}
    for turn in range(REPEATS):
        for name in names:
            out = scratch / f"out-{name}-{turn}"
            taken[name].append(measure(name, model_dir, inputs, str(out)))
            shutil.rmtree(out, ignore_errors=True)
    return [min(taken[name], key=lambda figures: figures["cpu"]) for name in names]


def command_seconds(model_dir: str, inputs: list[str], out: str, workers: int) -> float:
    """Return wall seconds of `heartbeat score`, start-up and all."""
    program = [sys.executable, "-c", "from pipeline.cli import run; run()", "score", "--model", model_dir]
    flags = [flag for path in inputs for flag in ("--input", path)]
    began = time.monotonic()
    subprocess.run(
        [*program, *flags, "--output", out, "--workers", str(workers), "--json"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.monotonic() - began


def line(name: str, own: float, other: float, kind: str, unit: str, ratio: float, **more: float) -> None:
    """Print one comparison as JSON."""
    figures = {"ours": round(own, 3), kind: round(other, 3), "unit": unit, "ratio": round(ratio, 3)}
    print(json.dumps({"name": name, **figures, **more}), flush=True)


def one_core(model_dir: str, inputs: list[str], scratch: Path) -> None:
    """Compare CSV in, Parquet out, with the sum of its parts."""
    limit, own = least(("csv_limit", "job"), model_dir, inputs, scratch)
    against_limit("one core, CSV in", own, limit)


def binary(model_dir: str, inputs: list[str], scratch: Path) -> None:
    """Compare Parquet and TFRecord in, with the sum of their parts."""
    for name, convert in (("Parquet", as_parquet), ("TFRecord", as_tfrecord)):
        limit, own = least(("binary_limit", "job"), model_dir, [convert(inputs, scratch)], scratch)
        against_limit(f"one core, {name} in", own, limit)


def against_limit(name: str, own: Figures, limit: Figures) -> None:
    """Print rates, and the parts of the limit in microseconds a row."""
    rows = own["rows"]
    parts = {f"{part}_us": round(seconds / rows * 1e6, 2) for part, seconds in limit.items() if part != "cpu"}
    line(name, rows / own["cpu"], rows / limit["cpu"], "limit", "rows/s", limit["cpu"] / own["cpu"], **parts)


def two_workers(model_dir: str, inputs: list[str], scratch: Path) -> None:
    """Compare two workers with two independent processes, by the cost of more files: no start-up."""
    few, many = linked(inputs, 2, scratch / "few"), linked(inputs, 2 + 2 * TIMES, scratch / "many")
    own = extra_seconds(model_dir, few, many, scratch, 2)

    def pair(links: list[str], name: str) -> float:
        command = [sys.executable, "-W", "ignore", "-m", "bench.score", model_dir]
        halves = links[: len(links) // 2], links[len(links) // 2 :]
        began = time.monotonic()
        both = [
            subprocess.Popen(
                [*command, *half, "--measure", "job", "--out", str(scratch / f"{name}{at}")], stdout=subprocess.DEVNULL
            )
            for at, half in enumerate(halves)
        ]
        if any(process.wait() for process in both):
            sys.exit("a bare process failed")
        return time.monotonic() - began

    bare = pair(many, "pm") - pair(few, "pf")
    line("two workers, start-up excluded", own, bare, "limit", "s", bare / own)


def extra_seconds(model_dir: str, few: list[str], many: list[str], scratch: Path, workers: int) -> float:
    """Return wall seconds that the command takes for the files of `many` beyond those of `few`."""
    longer = command_seconds(model_dir, many, str(scratch / "many-out"), workers)
    return longer - command_seconds(model_dir, few, str(scratch / "few-out"), workers)


def growth(model_dir: str, inputs: list[str], scratch: Path, beats: Sequence[int] = BEATS) -> None:
    """Compare the cost of a beat and the peak of memory with ever more beats, against those with the fewest."""
    from components.io.shards import plan_text
    from components.io.storage import list_files

    measured: list[Figures] = []
    rows = sum(shard.rows for shard in plan_text([file for path in inputs for file in list_files(path)]))
    for wanted in beats:
        folder, out = scratch / f"in-{wanted}", scratch / f"out-{wanted}"
        measured.append(measure("job", model_dir, linked(inputs, max(round(wanted / rows), 1), folder), str(out)))
        shutil.rmtree(out)
    small = measured[0]
    for wanted, large in zip(beats[1:], measured[1:], strict=True):
        cost, least_cost = (each["cpu"] / each["rows"] * 1e6 for each in (large, small))
        size = f"{wanted / 1e6:g} M beats against {beats[0] / 1e6:g} M"
        line(f"time per beat, {size}", cost, least_cost, "peer", "us", cost / least_cost)
        line(f"peak memory, {size}", large["peak"], small["peak"], "peer", "MiB", large["peak"] / small["peak"])


def start_up(model_dir: str, inputs: list[str], scratch: Path) -> None:
    """Time `heartbeat score` on 100 rows, to the end: what its first row can take at most."""
    with open(inputs[0]) as file:
        (scratch / "few.csv").write_text("".join(islice(file, 100)))
    own = min(
        command_seconds(model_dir, [str(scratch / "few.csv")], str(scratch / f"out{turn}"), 1)
        for turn in range(REPEATS)
    )
    line("start-up to 100 scored rows", own, 8.0, "limit", "s", 8.0 / own)


PARTS: dict[str, Callable[..., None]] = {
    part.__name__: part for part in (one_core, binary, two_workers, growth, start_up)
}


def main() -> None:
    """Take the measures asked for and print a line each."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("model", help="a pushed model's directory")
    arguments.add_argument("inputs", nargs="+", help="labelled CSV files")
    arguments.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="leave the others out")
    arguments.add_argument("--beats", nargs="+", type=int, default=BEATS, help="sizes of growing inputs, about")
    arguments.add_argument("--measure", choices=MEASURES, help=argparse.SUPPRESS)
    arguments.add_argument("--out", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.measure:
        print(json.dumps(MEASURES[given.measure](given.model, given.inputs, given.out)))
        return
    for name in given.only:
        scratch = Path(tempfile.mkdtemp(prefix="heartbeat-bench-"))
        try:
            if name == growth.__name__:
                growth(given.model, given.inputs, scratch, given.beats)
            else:
                PARTS[name](given.model, given.inputs, scratch)
        finally:
            shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
