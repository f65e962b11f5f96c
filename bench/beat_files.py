"""The same beats in more files, or in another format, for benchmarks."""

from __future__ import annotations

import os
from pathlib import Path

from components.beat import Beats


def linked(inputs: list[str], times: int, folder: Path) -> list[str]:
    """Return the same files so many times over, by links."""
    folder.mkdir()
    links = []
    for at in range(times):
        for path in inputs:
            link = folder / f"{at:04d}-{os.path.basename(path)}"
            link.symlink_to(os.path.abspath(path))
            links.append(str(link))
    return links


def read_beats(inputs: list[str]) -> Beats:
    """Read all beats of labelled CSV files."""
    import numpy as np

    from components.io.csv import parse_block
    from components.io.shards import plan_text, read_lines
    from components.io.storage import list_files

    parsed = [
        parse_block(block)
        for shard in plan_text([file for path in inputs for file in list_files(path)])
        for block in read_lines(shard)
    ]
    labels = [each.label for each in parsed if each.label is not None]
    return Beats(np.concatenate([each.signal for each in parsed]), np.concatenate(labels))


def as_parquet(inputs: list[str], folder: Path) -> str:
    """Write a Parquet file with a list column, row groups of 16,384 beats."""
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
    """Write a TFRecord file of tf.Examples."""
    from components.io.examples import encode_examples
    from components.io.tfrecord import write_records

    path = folder / "beats.tfrecord"
    with path.open("wb") as file:
        write_records(file, encode_examples(read_beats(inputs)))
    return str(path)
