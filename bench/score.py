"""The scoring job beside what its parts allow: one core, two workers, larger inputs, start-up.

Usage: python -m bench.score MODEL_DIR FILE.csv [FILE.csv ...] [--only NAME ...] [--times N]

Every figure is taken in a fresh process. One-core figures are CPU seconds, so that a busy machine matters less;
those of several processes are wall seconds and need an idle one.
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

from components.beats.beats import Beats
from components.score.progress import ProgressReader
from components.score.settings import ScoreSettings
from components.score.shard import ShardTask

Figures = dict[str, float]


def job_seconds(model_dir: str, inputs: list[str], out: str) -> Figures:
    """CPU seconds and rows of a whole job in this process, model loaded and warm; and the peak of memory in MiB."""
    from components.score.budget import RejectBudget
    from components.score.model import find_model, loaded_model
    from components.score.run import ScoreRequest, score
    from components.score.shard import attempt_shard

    place = find_model(model_dir, "")
    model = loaded_model(place)
    warm(model_dir)

    def loop(tasks: Sequence[ShardTask], progress: ProgressReader) -> list[str]:
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

    from components.beats.beat import SAMPLES
    from components.score.model import find_model, loaded_model

    model = loaded_model(find_model(model_dir, ""))
    model.answers(np.zeros((2 * ScoreSettings().batch, SAMPLES), np.float32), ScoreSettings().batch)


def csv_limit(model_dir: str, inputs: list[str], out: str) -> Figures:
    """CPU seconds of reading and counting, of parsing and of the model, each alone, for the same rows."""
    from components.ingest.blocks import read_blocks
    from components.ingest.files import list_files
    from components.ingest.parse import parse_block
    from components.ingest.plan import plan
    from components.score.model import find_model, loaded_model

    warm(model_dir)
    model = loaded_model(find_model(model_dir, ""))
    files = [file for path in inputs for file in list_files(path)]
    began = time.process_time()
    shards = plan(files)
    spent = {"read": time.process_time() - began, "parse": 0.0, "model": 0.0}
    for shard in shards:
        for block in read_blocks(shard):
            began = time.process_time()
            parsed = parse_block(block)
            parsed_at = time.process_time()
            model.answers(parsed.signal, ScoreSettings().batch)
            spent["parse"] += parsed_at - began
            spent["model"] += time.process_time() - parsed_at
    return {"cpu": sum(spent.values()), **spent}


def binary_limit(model_dir: str, inputs: list[str], out: str) -> Figures:
    """CPU seconds of reading blocks of beats and of the model, each alone, for the same rows."""
    from components.score.inputs import find_sources
    from components.score.model import find_model, loaded_model
    from components.score.planning import plan_sources
    from components.score.read import read_blocks_of

    warm(model_dir)
    model = loaded_model(find_model(model_dir, ""))
    settings = ScoreSettings()
    spent = {"read": 0.0, "model": 0.0}
    began = time.process_time()
    for piece in plan_sources(find_sources(inputs), settings, 1):
        for block in read_blocks_of(piece, settings):
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
    """Takes one measure in a fresh process."""
    command = [sys.executable, "-W", "ignore", "-m", "bench.score", model_dir, *inputs, "--measure", name, "--out", out]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def command_seconds(model_dir: str, inputs: list[str], out: str, workers: int) -> float:
    """Wall seconds of `heartbeat score`, start-up and all."""
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


def linked(inputs: list[str], times: int, folder: Path) -> list[str]:
    """The same files so many times over, by links."""
    folder.mkdir()
    links = []
    for at in range(times):
        for path in inputs:
            link = folder / f"{at:04d}-{os.path.basename(path)}"
            link.symlink_to(os.path.abspath(path))
            links.append(str(link))
    return links


def line(name: str, own: float, other: float, kind: str, unit: str, ratio: float) -> None:
    """Prints one comparison as JSON."""
    figures = {"ours": round(own, 3), kind: round(other, 3), "unit": unit, "ratio": round(ratio, 3)}
    print(json.dumps({"name": name, **figures}), flush=True)


def read_beats(inputs: list[str]) -> Beats:
    """All beats of labelled CSV files."""
    import numpy as np

    from components.ingest.blocks import read_blocks
    from components.ingest.files import list_files
    from components.ingest.parse import parse_block
    from components.ingest.plan import plan

    parsed = [
        parse_block(block)
        for shard in plan([file for path in inputs for file in list_files(path)])
        for block in read_blocks(shard)
    ]
    labels = [each.label for each in parsed if each.label is not None]
    return Beats(np.concatenate([each.signal for each in parsed]), np.concatenate(labels))


def as_parquet(inputs: list[str], folder: Path) -> str:
    """A Parquet file with a list column, row groups of 16,384 beats."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    beats = read_beats(inputs)
    lists = pa.ListArray.from_arrays(
        np.arange(0, beats.signal.size + 1, beats.signal.shape[1], dtype=np.int32), beats.signal.ravel()
    )
    path = str(folder / "beats.parquet")
    pq.write_table(pa.table({"signal": lists, "label": beats.label}), path, row_group_size=16384)
    return path


def as_tfrecord(inputs: list[str], folder: Path) -> str:
    """A TFRecord file of tf.Examples."""
    from components.ingest.examples import encode_examples
    from components.ingest.tfrecord import write_records

    path = folder / "beats.tfrecord"
    with path.open("wb") as file:
        write_records(file, encode_examples(read_beats(inputs)))
    return str(path)


def one_core(model_dir: str, inputs: list[str], scratch: Path, times: int) -> None:
    """CSV in, Parquet out, against the sum of its parts."""
    limit = measure("csv_limit", model_dir, inputs, "")
    own = measure("job", model_dir, inputs, str(scratch / "out"))
    rows = own["rows"]
    line("one core, CSV in", rows / own["cpu"], rows / limit["cpu"], "limit", "rows/s", limit["cpu"] / own["cpu"])


def binary(model_dir: str, inputs: list[str], scratch: Path, times: int) -> None:
    """Parquet and TFRecord in, against the sum of their parts."""
    for name, convert in (("Parquet", as_parquet), ("TFRecord", as_tfrecord)):
        path = convert(inputs, scratch)
        limit = measure("binary_limit", model_dir, [path], "")
        own = measure("job", model_dir, [path], str(scratch / f"out-{name}"))
        rows = own["rows"]
        speed = rows / own["cpu"], rows / limit["cpu"]
        line(f"one core, {name} in", *speed, "limit", "rows/s", limit["cpu"] / own["cpu"])


def two_workers(model_dir: str, inputs: list[str], scratch: Path, times: int) -> None:
    """Two workers against two processes that know nothing of each other; the cost of more files, so no start-up."""
    few, many = linked(inputs, 2, scratch / "few"), linked(inputs, 2 + 2 * times, scratch / "many")
    own = command_seconds(model_dir, many, str(scratch / "m"), 2) - command_seconds(
        model_dir, few, str(scratch / "f"), 2
    )

    def pair(links: tuple[list[str], list[str]], name: str) -> float:
        command = [sys.executable, "-W", "ignore", "-m", "bench.score", model_dir]
        began = time.monotonic()
        both = [
            subprocess.Popen(
                [
                    *command,
                    *links[half],
                    "--measure",
                    "job",
                    "--out",
                    str(scratch / f"{name}{half}"),
                ],
                stdout=subprocess.DEVNULL,
            )
            for half in (0, 1)
        ]
        if any(process.wait() for process in both):
            sys.exit("a bare process failed")
        return time.monotonic() - began

    halves = [(links[: len(links) // 2], links[len(links) // 2 :]) for links in (many, few)]
    bare = pair(halves[0], "pm") - pair(halves[1], "pf")
    line("two workers, start-up excluded", own, bare, "limit", "s", bare / own)


def growth(model_dir: str, inputs: list[str], scratch: Path, times: int) -> None:
    """The cost of a beat and the peak of memory with so many times the input."""
    small = measure("job", model_dir, inputs, str(scratch / "small"))
    large = measure("job", model_dir, linked(inputs, times, scratch / "large-in"), str(scratch / "large"))
    costs = [each["cpu"] / each["rows"] * 1e6 for each in (large, small)]
    line(f"time per beat, {times} times the input", costs[0], costs[1], "peer", "us", costs[0] / costs[1])
    line(
        f"peak memory, {times} times the input",
        large["peak"],
        small["peak"],
        "peer",
        "MiB",
        large["peak"] / small["peak"],
    )


def start_up(model_dir: str, inputs: list[str], scratch: Path, times: int) -> None:
    """`heartbeat score` on one file, to the end: what its first row can take at most."""
    with open(inputs[0]) as file:
        (scratch / "few.csv").write_text("".join(file.readline() for _ in range(100)))
    own = command_seconds(model_dir, [str(scratch / "few.csv")], str(scratch / "out"), 1)
    line("start-up to 100 scored rows", own, 8.0, "limit", "s", 8.0 / own)


PARTS = {part.__name__: part for part in (one_core, binary, two_workers, growth, start_up)}


def main() -> None:
    """Takes the measures asked for and prints a line each."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("model", help="a pushed model's directory")
    arguments.add_argument("inputs", nargs="+", help="labelled CSV files")
    arguments.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="leave the others out")
    arguments.add_argument("--times", type=int, default=4, help="how many times over the larger inputs are linked")
    arguments.add_argument("--measure", choices=MEASURES, help=argparse.SUPPRESS)
    arguments.add_argument("--out", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.measure:
        print(json.dumps(MEASURES[given.measure](given.model, given.inputs, given.out)))
        return
    for name in given.only:
        scratch = Path(tempfile.mkdtemp(prefix="heartbeat-bench-"))
        try:
            PARTS[name](given.model, given.inputs, scratch, given.times)
        finally:
            shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
