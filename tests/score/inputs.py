"""The same beats in every format that is read."""

import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from components.beat import Beats
from components.io.examples import encode_examples
from components.io.tfrecord import write_records

FORMATS = (
    "plain.csv",
    "packed.csv.gz",
    "list.parquet",
    "fixed.parquet",
    "columns.parquet",
    "beats.tfrecord",
    "packed.tfrecord.gz",
)


def write_tfrecord(path, signal, label, record=None):
    with path.open("wb") as file:
        write_records(file, encode_examples(Beats(signal, label, record)))


def write_formats(folder, signal, label):
    """Name -> path of the same beats; also `plain.csv` of as many digits as float32 has."""
    text = "".join(
        ",".join([*(f"{value:.9g}" for value in row), f"{kind}.0"]) + "\n"
        for row, kind in zip(signal, label, strict=True)
    ).encode()
    (folder / "plain.csv").write_bytes(text)
    (folder / "packed.csv.gz").write_bytes(gzip.compress(text))
    pq.write_table(pa.table({"signal": list(signal), "label": label}), folder / "list.parquet", row_group_size=30)
    fixed = pa.FixedSizeListArray.from_arrays(pa.array(signal.astype(np.float64).ravel()), signal.shape[1])
    pq.write_table(pa.table({"beat": fixed, "label": label}), folder / "fixed.parquet", row_group_size=30)
    columns = pd.DataFrame(np.column_stack([signal, label]))
    columns.columns = [str(name) for name in columns.columns]
    columns.to_parquet(folder / "columns.parquet", row_group_size=30)
    write_tfrecord(folder / "beats.tfrecord", signal, label)
    (folder / "packed.tfrecord.gz").write_bytes(gzip.compress((folder / "beats.tfrecord").read_bytes()))
    return {name: folder / name for name in FORMATS}
