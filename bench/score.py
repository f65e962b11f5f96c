"""The scoring job compared with the sum of its parts, on one core and on two workers; larger inputs; start-up.

Usage: python -m bench.score MODEL_DIR FILE.csv [FILE.csv ...] [--only NAME ...] [--beats N ...]

Every figure is taken in a fresh process, in each precision that the model is released in and the processor computes
natively. One-core figures are CPU seconds; those of several processes are wall seconds and need an idle machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.measure import (
    REPEATS,
    Figures,
    alternating,
    as_parquet,
    as_tfrecord,
    compare,
    fresh,
    fresh_together,
    linked,
    peak_mib,
    print_line,
    rates,
    wall_seconds,
)
from components import recordings
from components.errors import UsageError
from components.score.job import ShardTask
from components.score.model import ModelRef
from components.score.settings import ScoreSettings
from components.train.served import FAST_PRECISIONS, AnyPrecision, Precision

if TYPE_CHECKING:
    from components.score.model import ScoringModel

TIMES = 4
"""How many times the inputs of several workers are linked."""

BEATS = (100_000, 1_000_000, 5_000_000)

START_SECONDS, WORKER_MIB = 2.0, 350.0
"""Limits in int8: seconds from start to first row, and MiB of a worker."""

EXAMPLE = os.path.join(os.path.dirname(recordings.__file__), "example")

PROGRAM = (sys.executable, "-W", "ignore", "-c", "from pipeline.cli import run; run()", "score", "--json")


def warm_model(model_dir: str, precision: Precision = "float32") -> tuple[ModelRef, ScoringModel]:
    """Return this process's model, its graph already built for the batch size in use."""
    import numpy as np

    from components.beat import SAMPLES
    from components.score.model import find_model, loaded_model

    ref = replace(find_model(model_dir, ""), precision=precision)
    model = loaded_model(ref)
    model.answers(np.zeros((2 * ScoreSettings().batch, SAMPLES), np.float32), ScoreSettings().batch)
    return ref, model


def job(model_dir: str, inputs: Sequence[str], out: str, **settings: Any) -> Figures:
    """Return CPU seconds and rows of a whole job in this process, model loaded and warm, and peak memory in MiB.

    The model is computed in float32 unless the settings say otherwise.
    """
    from components.score.model import choose_precision
    from components.score.run import ScoreRequest, score
    from components.score.settings import RejectBudget
    from components.score.shard import attempt_shard

    chosen = ScoreSettings.model_validate({"precision": "float32", **settings})
    ref, model = warm_model(model_dir, choose_precision(chosen.precision, model_dir, here=True))

    def loop(tasks: Sequence[ShardTask], _: ModelRef, follow: Callable[[], object]) -> list[str]:
        for task in tasks:
            attempt_shard(task, lambda: model)
        return []

    def request(paths: Sequence[str], output: str) -> ScoreRequest:
        return ScoreRequest(tuple(paths), output, ref, chosen, "refuse", RejectBudget("0"))

    with tempfile.TemporaryDirectory() as scratch:  # imports and first calls do not count towards the rate
        score(request([_small(inputs[0], Path(scratch))], f"{scratch}/out"), loop)
    began = time.process_time()
    summary = score(request(inputs, out), loop)
    if summary.exit_code:
        sys.exit("\n".join(summary.sentences))
    return {"cpu": time.process_time() - began, "rows": summary.rows["scored"], "peak": peak_mib()}


def _small(path: str, folder: Path) -> str:
    """Return a small input of the same kind: two rows of a CSV, or the included recording."""
    if not os.path.isfile(path):
        return EXAMPLE
    with open(path, "rb") as file:
        beginning = b"".join(islice(file, 2)) if path.endswith(".csv") else file.read()
    (folder / os.path.basename(path)).write_bytes(beginning)
    return str(folder / os.path.basename(path))


def csv_limit(model_dir: str, inputs: Sequence[str], out: str, precision: Precision = "float32") -> Figures:
    """Return CPU seconds of reading and counting, parsing, and the model, each alone, for the same rows."""
    from components.io.csv import parse_block
    from components.io.shards import plan_sources, read_lines
    from components.io.sources import find_sources

    _, model = warm_model(model_dir, precision)
    sources = find_sources(inputs)
    began = time.process_time()
    settings = ScoreSettings()
    shards = plan_sources(sources, settings.shard_bytes)
    spent, rows = {"read": time.process_time() - began, "parse": 0.0, "model": 0.0}, 0
    for shard in shards:
        for block in read_lines(shard):
            began = time.process_time()
            parsed = parse_block(block)
            parsed_at = time.process_time()
            model.answers(parsed.signal, settings.batch)
            spent["parse"] += parsed_at - began
            spent["model"] += time.process_time() - parsed_at
            rows += len(parsed.signal)
    return {"cpu": sum(spent.values()), "rows": rows, **spent}


def binary_limit(model_dir: str, inputs: Sequence[str], out: str, precision: Precision = "float32") -> Figures:
    """Return CPU seconds of reading blocks of beats and of the model, each alone, for the same rows."""
    from components.io.shards import plan_sources, read_shard
    from components.io.sources import find_sources

    _, model = warm_model(model_dir, precision)
    settings = ScoreSettings()
    read_blocks = partial(read_shard, labelled=settings.labelled, block_rows=settings.block_rows)
    next(iter(read_blocks(plan_sources(find_sources(inputs), settings.shard_bytes)[0])))  # imports what it needs
    spent, rows = {"read": 0.0, "model": 0.0}, 0
    began = time.process_time()
    for shard in plan_sources(find_sources(inputs), settings.shard_bytes):
        for block in read_blocks(shard):
            read = time.process_time()
            model.answers(block.signal, settings.batch)
            spent["model"] += time.process_time() - read
            rows += len(block.signal)
    spent["read"] = time.process_time() - began - spent["model"]
    return {"cpu": sum(spent.values()), "rows": rows, **spent}


def command_seconds(
    model_dir: str, inputs: Sequence[str], out: str, workers: int, precision: AnyPrecision = "auto"
) -> float:
    """Return wall seconds of `heartbeat score`, start-up included."""
    flags = ["--model", model_dir, "--output", out, "--workers", str(workers), "--precision", precision]
    flags += [f"--input={path}" for path in inputs]
    quiet = subprocess.DEVNULL
    return wall_seconds(lambda: subprocess.run([*PROGRAM, *flags], stdout=quiet, stderr=quiet, check=True))


def extra_seconds(
    model_dir: str,
    few: Sequence[str],
    many: Sequence[str],
    scratch: Path,
    workers: int,
    precision: AnyPrecision = "auto",
) -> float:
    """Return wall seconds that the command takes for the files of `many` beyond those of `few`."""
    longer = command_seconds(model_dir, many, str(scratch / "many-out"), workers, precision)
    return longer - command_seconds(model_dir, few, str(scratch / "few-out"), workers, precision)


def job_machine(model_dir: str, inputs: list[str], out: str, precision: AnyPrecision = "auto") -> Figures:
    """Time the command on all cores: wall seconds for these files, start-up excluded."""
    scratch, cores = Path(out), os.cpu_count() or 1
    scratch.mkdir()
    few, many = (linked(inputs, times, scratch / str(times)) for times in (cores, cores + TIMES))
    return {"cpu": extra_seconds(model_dir, few, many, scratch, cores, precision) / TIMES}


def released(model_dir: str) -> list[Precision]:
    """Return float32, and the other precisions that a model is released in and that this processor computes."""
    from components.score.model import choose_precision

    chosen: list[Precision] = ["float32"]
    for precision in FAST_PRECISIONS:
        with suppress(UsageError):
            chosen.append(choose_precision(precision, model_dir, here=True))
    return chosen


def one_core(model_dir: str, inputs: Sequence[str], scratch: Path) -> None:
    """Compare the whole job with the sum of its parts, and lower precisions with float32, for each format of beats."""
    for form, paths, limit in (
        ("CSV", inputs, csv_limit),
        ("Parquet", [as_parquet(inputs, scratch)], binary_limit),
        ("TFRecord", [as_tfrecord(inputs, scratch)], binary_limit),
    ):
        measures: dict[str, Callable[..., Figures]] = {}
        for precision in released(model_dir):
            measures[f"{precision}, alone"] = partial(limit, precision=precision)
            measures[precision] = partial(job, precision=precision)
        taken = alternating(measures, model_dir, paths)
        for precision in released(model_dir):
            own, alone = taken[precision], taken[f"{precision}, alone"]
            name = f"{form} input, one core, {precision}; compared with its parts alone"
            compare(name, rates(own), rates(alone), "rows/s", "limit", target=">= 0.85", **_microseconds(alone))
            if precision != "float32":
                name = f"{form} input, one core, {precision}; compared with float32"
                target = ">= 2" if (form, precision) == ("CSV", "int8") else ""
                compare(name, rates(own), rates(taken["float32"]), "rows/s", target=target)
            if (form, precision) == ("CSV", "int8"):
                peak = max(each["peak"] for each in own)
                print_line(
                    "peak memory of a process, int8", peak, WORKER_MIB, "MiB", peak / WORKER_MIB, "limit", target="<= 1"
                )


def _microseconds(alone: Sequence[Figures]) -> dict[str, float]:
    """Return microseconds per row of each part, the least of all rounds."""
    return {
        f"{part}_us": round(min(each[part] / each["rows"] for each in alone) * 1e6, 2)
        for part in ("read", "parse", "model")
        if part in alone[0]
    }


def whole_machine(model_dir: str, inputs: Sequence[str], scratch: Path) -> None:
    """Compare the command on all cores in lower precisions with float32."""
    precisions: dict[str, Callable[..., Figures]] = {
        each: partial(job_machine, precision=each) for each in released(model_dir)
    }
    taken = alternating(precisions, model_dir, inputs)
    for precision in precisions:
        if precision != "float32":
            own, reference = ([figures["cpu"] for figures in taken[each]] for each in (precision, "float32"))
            compare(f"CSV input, whole machine, {precision}; compared with float32", own, reference, "s")


def two_workers(model_dir: str, inputs: Sequence[str], scratch: Path) -> None:
    """Compare two workers with two independent processes, by the cost of additional files, start-up excluded."""
    few, many = linked(inputs, 2, scratch / "few"), linked(inputs, 2 + 2 * TIMES, scratch / "many")

    def pair(links: Sequence[str]) -> float:
        with tempfile.TemporaryDirectory(dir=scratch) as out:
            halves = links[: len(links) // 2], links[len(links) // 2 :]
            calls = [(model_dir, half, f"{out}/{number}") for number, half in enumerate(halves)]
            return wall_seconds(lambda: fresh_together(job, calls))

    own, bare = [], []
    for turn in range(REPEATS):
        own.append(extra_seconds(model_dir, few, many, scratch / str(turn), 2, "float32"))
        bare.append(pair(many) - pair(few))
    name = "two workers, float32; compared with two independent processes"
    compare(name, own, bare, "s", "limit", target=">= 0.9")


def growth(model_dir: str, inputs: Sequence[str], scratch: Path, beats: Sequence[int] = BEATS) -> None:
    """Compare cost per beat and peak memory for growing inputs with those for the smallest."""
    from components.io.shards import plan_sources
    from components.io.sources import find_sources

    measured: list[Figures] = []
    rows = sum(shard.rows for shard in plan_sources(find_sources(inputs)))
    for size in beats:
        folder, out = scratch / f"in-{size}", scratch / f"out-{size}"
        measured.append(fresh(job, model_dir, linked(inputs, max(round(size / rows), 1), folder), str(out)))
        shutil.rmtree(out)
    small = measured[0]
    for size, large in zip(beats[1:], measured[1:], strict=True):
        cost, least_cost = (figures["cpu"] / figures["rows"] * 1e6 for figures in (large, small))
        sizes = f"{size / 1e6:g} M beats compared with {beats[0] / 1e6:g} M"
        print_line(f"time per beat, {sizes}", cost, least_cost, "us", cost / least_cost, target="<= 1.1")
        print_line(
            f"peak memory, {sizes}", large["peak"], small["peak"], "MiB", large["peak"] / small["peak"], target="<= 1.1"
        )


def start_up(model_dir: str, inputs: Sequence[str], scratch: Path) -> None:
    """Time `heartbeat score` on 100 rows, to the end: an upper bound for its first row."""
    few = scratch / "few.csv"
    with open(inputs[0]) as file:
        few.write_text("".join(islice(file, 100)))
    spent: dict[Precision, list[float]] = {each: [] for each in released(model_dir)}
    for turn in range(REPEATS):
        for precision, seconds in spent.items():
            out = str(scratch / f"{precision}-{turn}")
            seconds.append(command_seconds(model_dir, [str(few)], out, 1, precision))
    for precision, seconds in spent.items():
        name = f"command start to 100 scored rows, {precision}"
        target = ">= 1" if precision == "int8" else ""
        compare(name, seconds, [START_SECONDS] * REPEATS, "s", "limit", target=target)


PARTS: dict[str, Callable[..., None]] = {
    part.__name__: part for part in (one_core, whole_machine, two_workers, growth, start_up)
}


def main() -> None:
    """Run the chosen benchmarks and print a line for each comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a pushed model's directory")
    parser.add_argument("inputs", nargs="+", help="labelled CSV files")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="run only these")
    parser.add_argument("--beats", nargs="+", type=int, default=BEATS, help="approximate sizes of growing inputs")
    options = parser.parse_args()
    parts: dict[str, Callable[..., None]] = {**PARTS, growth.__name__: partial(growth, beats=options.beats)}
    for name in options.only:
        with tempfile.TemporaryDirectory(prefix="heartbeat-bench-") as scratch:
            parts[name](options.model, options.inputs, Path(scratch))


if __name__ == "__main__":
    main()
