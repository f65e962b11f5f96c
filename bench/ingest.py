"""Ingest beside its peers on the same CSVs: CPU seconds of ExampleGen and of the stock one, and of the bare parser.

Usage: python bench/ingest.py DATA_DIR [--without-stock]

Every figure is taken in a fresh process, imports excluded. The stock one takes minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

RUNNER = "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"
REPEATS = 5
"""Passes of the parser over the test file; the fastest counts."""


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU seconds of this process and of the children it waited for, spent on `work`."""
    before = os.times()
    work()
    after = os.times()
    return sum(after[:4]) - sum(before[:4])


def ours(data: str, out: str) -> dict[str, float]:
    """CPU seconds of our ExampleGen's executor, both files."""
    from tfx.types import standard_artifacts

    from components.ingest.node import ExampleGen, IngestReport

    examples, report = standard_artifacts.Examples(), IngestReport()
    examples.uri, report.uri = f"{out}/examples", f"{out}/report"
    kind = ExampleGen.EXECUTOR_SPEC.executor_class
    executor = kind(kind.Context(beam_pipeline_args=[RUNNER]))
    properties = {"data": data, "settings": "{}", "fingerprint": "", "code_digest": ""}
    return {"cpu": cpu_seconds(lambda: executor.Do({}, {"examples": [examples], "report": [report]}, properties))}


def stock(data: str, out: str) -> dict[str, float]:
    """CPU seconds of CsvExampleGen's executor, both files as two input splits."""
    from tfx.components.example_gen.csv_example_gen.executor import Executor
    from tfx.proto import example_gen_pb2
    from tfx.types import standard_artifacts
    from tfx.utils import proto_utils

    examples = standard_artifacts.Examples()
    examples.uri = f"{out}/examples"
    splits = [example_gen_pb2.Input.Split(name=name, pattern=f"mitbih_{name}.csv") for name in ("train", "test")]
    properties: dict[str, Any] = {
        "input_base": data,
        "input_config": proto_utils.proto_to_json(example_gen_pb2.Input(splits=splits)),
        "output_config": proto_utils.proto_to_json(example_gen_pb2.Output()),
        "output_data_format": example_gen_pb2.FORMAT_TF_EXAMPLE,
        "output_file_format": 5,
    }
    executor = Executor(Executor.Context(beam_pipeline_args=[RUNNER]))
    return {"cpu": cpu_seconds(lambda: executor.Do({}, {"examples": [examples]}, properties))}


def parser(data: str, out: str) -> dict[str, float]:
    """CPU seconds of parsing the test file's blocks: ours, with all its checks, and Arrow's CSV reader to a matrix."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv as csv

    from components.beat import COLUMNS
    from components.io.csv import parse_block
    from components.io.shards import plan_text, read_lines
    from components.io.storage import list_files

    shards = plan_text(list_files(f"{data}/mitbih_test.csv"))
    blocks = [replace(block, data=bytes(block.data)) for shard in shards for block in read_lines(shard)]
    names = [str(column) for column in range(COLUMNS)]
    read = csv.ReadOptions(use_threads=False, column_names=names)
    convert = csv.ConvertOptions(column_types={name: pa.float32() for name in names})

    def bare() -> None:
        for block in blocks:
            table = csv.read_csv(pa.BufferReader(block.data), read, convert_options=convert)
            matrix = np.empty((table.num_rows, COLUMNS), np.float32)
            for column, values in enumerate(table.columns):
                matrix[:, column] = values.to_numpy()

    def checked() -> None:
        for block in blocks:
            parse_block(block)

    timed = {"ours": checked, "peer": bare}
    return {name: min(cpu_seconds(work) for _ in range(REPEATS)) for name, work in timed.items()}


MEASURES = {"ours": ours, "stock": stock, "parser": parser}


def measure(name: str, data: str) -> dict[str, float]:
    """Take one measurement in a fresh process, whose other output goes to stderr."""
    out = tempfile.mkdtemp(prefix="heartbeat-bench-")
    try:
        command = [sys.executable, "-W", "ignore", "-m", "bench.ingest", data, "--measure", name, "--out", out]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return figures
    finally:
        shutil.rmtree(out)


def line(name: str, own: float, peer: float) -> str:
    """One comparison as JSON."""
    figures = {"ours": round(own, 3), "peer": round(peer, 3), "unit": "CPU s", "ratio": round(own / peer, 4)}
    return json.dumps({"name": name, **figures})


def main() -> None:
    """Take the measurements that were named and print a line for each."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("data", help="folder of mitbih_train.csv and mitbih_test.csv")
    arguments.add_argument("--without-stock", action="store_true", help="leave out what takes minutes")
    arguments.add_argument("--measure", choices=MEASURES, help=argparse.SUPPRESS)
    arguments.add_argument("--out", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.measure:
        with contextlib.redirect_stdout(sys.stderr):
            figures = MEASURES[given.measure](given.data, given.out)
        print(json.dumps(figures))
        return
    parsed = measure("parser", given.data)
    print(line("parser vs bare Arrow CSV to float32 matrix", parsed["ours"], parsed["peer"]), flush=True)
    if not given.without_stock:
        own, theirs = measure("ours", given.data)["cpu"], measure("stock", given.data)["cpu"]
        print(line("ExampleGen vs CsvExampleGen", own, theirs), flush=True)


if __name__ == "__main__":
    main()
