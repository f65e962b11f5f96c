"""What a job reads: a file, its format, and the shard of it that one element of the job is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from components.io.files import InputFile
from components.io.plan import Shard

Kind = Literal["csv", "parquet", "tfrecord"]


@dataclass(frozen=True)
class Source:
    """An input file.

    Attributes:
        file: its path as matched, size and version.
        kind: its format.
        provenance: of a CSV, the file beside it that says where its beats come from, or None.
    """

    file: InputFile
    kind: Kind
    provenance: InputFile | None = None


@dataclass(frozen=True)
class SourceShard:
    """A run of rows of one input.

    Attributes:
        source: the file.
        shard: which of its rows. `start` and `end` are bytes of a CSV or TFRecord file, row groups of a Parquet file.
        input_index: place of the file among the job's inputs.
        stem: name of everything the shard leaves, unique in the job.
    """

    source: Source
    shard: Shard
    input_index: int
    stem: str
