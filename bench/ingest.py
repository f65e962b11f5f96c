"""Ingest beside its peers on the same CSVs: CPU seconds of ExampleGen and of the stock one, and of the bare parser.

Usage: python -m bench.ingest DATA_DIR [--without-stock]

Every figure is taken in a fresh process, imports excluded. The stock one takes minutes.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from typing import Any

from bench.measure import RUNNER, cpu_seconds, fresh, print_line

PASSES = 5
"""Of the parser over the test file; the fastest counts."""


def example_gen(data: str, out: str) -> float:
    """Return CPU seconds of our ExampleGen's executor, both files."""
    from tfx.types import standard_artifacts

    from components.ingest.node import ExampleGen, IngestReport

    examples, report = standard_artifacts.Examples(), IngestReport()
    examples.uri, report.uri = f"{out}/examples", f"{out}/report"
    kind = ExampleGen.EXECUTOR_SPEC.executor_class
    executor = kind(kind.Context(beam_pipeline_args=[RUNNER]))
    properties = {"data": data, "settings": "{}", "fingerprint": "", "code_digest": ""}
    return cpu_seconds(lambda: executor.Do({}, {"examples": [examples], "report": [report]}, properties))


def csv_example_gen(data: str, out: str) -> float:
    """Return CPU seconds of CsvExampleGen's executor, both files as two input splits."""
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
    return cpu_seconds(lambda: executor.Do({}, {"examples": [examples]}, properties))


def parsers(data: str) -> tuple[float, float]:
    """Return CPU seconds of parsing the test file: ours, with all its checks, and Arrow's CSV reader to a matrix."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv as csv

    from components.beat import COLUMNS
    from components.io.csv import parse_block
    from components.io.shards import plan_sources, read_lines
    from components.io.sources import find_sources
    from components.io.text import arrow_buffer

    shards = plan_sources(find_sources([f"{data}/mitbih_test.csv"]))
    blocks = [replace(block, data=bytes(block.data)) for shard in shards for block in read_lines(shard)]
    buffers = [arrow_buffer(block.data) for block in blocks]  # Arrow's own memory, which no measure copies
    names = [str(column) for column in range(COLUMNS)]
    read = csv.ReadOptions(use_threads=False, column_names=names)
    convert = csv.ConvertOptions(column_types={name: pa.float32() for name in names})

    def arrow() -> None:
        for buffer in buffers:
            table = csv.read_csv(pa.BufferReader(buffer), read, convert_options=convert)
            matrix = np.empty((table.num_rows, COLUMNS), np.float32)
            for column, values in enumerate(table.columns):
                matrix[:, column] = values.to_numpy()

    def ours() -> None:
        for block in blocks:
            parse_block(block)

    own, bare = (min(cpu_seconds(work) for _ in range(PASSES)) for work in (ours, arrow))
    return own, bare


def main() -> None:
    """Take the measures and print a line for each comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="folder of mitbih_train.csv and mitbih_test.csv")
    parser.add_argument("--without-stock", action="store_true", help="leave out what takes minutes")
    options = parser.parse_args()
    own, bare = fresh(parsers, options.data)
    print_line("parser; compared with bare Arrow CSV to a float32 matrix", own, bare, "CPU s", bare / own)
    if not options.without_stock:
        with tempfile.TemporaryDirectory(prefix="heartbeat-bench-") as scratch:
            own, stock = (
                fresh(measure, options.data, f"{scratch}/{measure.__name__}")
                for measure in (example_gen, csv_example_gen)
            )
        print_line("ExampleGen; compared with TFX's CsvExampleGen", own, stock, "CPU s", stock / own)


if __name__ == "__main__":
    main()
