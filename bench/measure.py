"""What all benchmarks share: figures taken in fresh processes, a JSON line for each comparison, and their inputs."""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from components.beat import Beats

T = TypeVar("T")

Figures = dict[str, float]

RUNNER = "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"
"""Beam's local runner, named for TFX's executors."""

REPEATS = 5
"""How many rounds of measures are taken."""


def print_line(name: str, ours: float, other: float, unit: str, ratio: float, kind: str = "peer", **more: Any) -> None:
    """Print one comparison as JSON: two figures of one unit, and their ratio as the comparison has it.

    Args:
        name: what was measured.
        ours: our figure.
        other: that of a `peer` or a `limit`, according to `kind`.
        unit: of both.
        ratio: of the two.
        kind: see `other`.
        more: `target`, what the ratio should be, such as ">= 2"; `spread`, its least and greatest; anything else.
    """
    figures = {"ours": round(ours, 3), kind: round(other, 3), "unit": unit, "ratio": round(ratio, 4)}
    print(json.dumps({"name": name, **figures, **more}), flush=True)


def compare(
    name: str, ours: Iterable[float], others: Iterable[float], unit: str, kind: str = "peer", **more: Any
) -> None:
    """Print a comparison of alternating measures: medians, and how many times as good ours is, with its spread."""
    pairs = list(zip(ours, others, strict=True))
    ratios = [own / other if unit.endswith("/s") else other / own for own, other in pairs]
    own, other = (statistics.median(figures) for figures in zip(*pairs, strict=True))
    spread = [round(min(ratios), 4), round(max(ratios), 4)]
    print_line(name, own, other, unit, statistics.median(ratios), kind, spread=spread, **more)


def fresh(measure: Callable[..., T], *arguments: Any) -> T:
    """Return what a function of a module returns in a fresh process, whose output goes to stderr."""
    return fresh_together(measure, [arguments])[0]


def fresh_together(measure: Callable[..., T], calls: Sequence[tuple[Any, ...]]) -> list[T]:
    """Call a function once per tuple of arguments, each in a fresh process, all at the same time."""
    with ProcessPoolExecutor(len(calls), multiprocessing.get_context("spawn"), _be_quiet) as pool:
        return list(pool.map(measure, *zip(*calls, strict=True)))


def _be_quiet() -> None:
    os.dup2(2, 1)
    warnings.simplefilter("ignore")


def alternating(measures: Mapping[str, Callable[..., Figures]], *arguments: Any) -> dict[str, list[Figures]]:
    """Take measures alternately, each with these arguments and a folder; return the figures of every round."""
    taken: dict[str, list[Figures]] = {name: [] for name in measures}
    for _ in range(REPEATS):
        for name, measure in measures.items():
            with tempfile.TemporaryDirectory(prefix="heartbeat-bench-") as scratch:
                taken[name].append(fresh(measure, *arguments, f"{scratch}/out"))
    return taken


def rates(figures: Iterable[Figures]) -> list[float]:
    """Return rows per CPU second."""
    return [each["rows"] / each["cpu"] for each in figures]


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return CPU seconds of this process, and of the children that it waited for, spent on `work`."""
    before = os.times()
    work()
    return sum(os.times()[:4]) - sum(before[:4])


def wall_seconds(work: Callable[[], object]) -> float:
    """Return seconds that `work` takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def peak_mib(process: Path = Path("/proc/self")) -> float:
    """Return the most memory that a process has held, in MiB; getrusage would count its parent too."""
    [line] = [line for line in (process / "status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def linked(inputs: Sequence[str], times: int, folder: Path) -> list[str]:
    """Return the same files this many times, as links in a new folder."""
    folder.mkdir()
    links = [(path, folder / f"{turn:04d}-{os.path.basename(path)}") for turn in range(times) for path in inputs]
    for path, link in links:
        link.symlink_to(os.path.abspath(path))
    return [str(link) for _, link in links]


def read_beats(inputs: Sequence[str]) -> Beats:
    """Read all beats of labelled CSV files."""
    import numpy as np

    from components.io.csv import parse_block
    from components.io.shards import plan_sources, read_lines
    from components.io.sources import find_sources

    shards = plan_sources(find_sources(inputs))
    blocks = [parse_block(block) for shard in shards for block in read_lines(shard)]
    labels = [block.label for block in blocks if block.label is not None]
    return Beats(np.concatenate([block.signal for block in blocks]), np.concatenate(labels))


def as_parquet(inputs: Sequence[str], folder: Path) -> str:
    """Write the beats of CSV files to Parquet with a list column, row groups of 16,384 beats; return its path."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    beats = read_beats(inputs)
    offsets = np.arange(0, beats.signal.size + 1, beats.signal.shape[1], dtype=np.int32)
    signal = pa.ListArray.from_arrays(offsets, beats.signal.ravel())
    path = str(folder / "beats.parquet")
    pq.write_table(pa.table({"signal": signal, "label": beats.label}), path, row_group_size=16384)
    return path


def as_tfrecord(inputs: Sequence[str], folder: Path) -> str:
    """Write the beats of CSV files as tf.Examples; return the path of the TFRecord file."""
    from components.io.examples import encode_examples
    from components.io.tfrecord import write_records

    path = folder / "beats.tfrecord"
    with path.open("wb") as file:
        write_records(file, encode_examples(read_beats(inputs)))
    return str(path)
