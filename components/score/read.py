"""Every input format by the same three acts: cut into shards, look for labels, read a shard as blocks of beats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from components.io.files import InputFile
from components.io.plan import Shard, plan
from components.score.beat_block import BeatBlock
from components.score.csv_blocks import csv_has_labels, read_csv
from components.score.parquet_blocks import parquet_has_labels, parquet_shards, read_parquet
from components.score.settings import ScoreSettings
from components.score.source import Kind, Source, SourceShard
from components.score.tfrecord_blocks import read_tfrecord, tfrecord_has_labels, tfrecord_shards

_READERS: Final[dict[Kind, Callable[[SourceShard, ScoreSettings], Iterator[BeatBlock]]]] = {
    "csv": read_csv,
    "parquet": read_parquet,
    "tfrecord": read_tfrecord,
}

_HAVE_LABELS: Final[dict[Kind, Callable[[InputFile], bool | None]]] = {
    "csv": csv_has_labels,
    "parquet": parquet_has_labels,
    "tfrecord": tfrecord_has_labels,
}


def shards_of(sources: list[Source], settings: ScoreSettings, workers: int) -> dict[str, list[Shard]]:
    """Counts the rows of every input and cuts it: path -> its shards, in order.

    Args:
        sources: the inputs.
        settings: of the job.
        workers: threads to count with; the result does not depend on it.

    Raises:
        DataRefused: an input cannot be read.
    """
    shards: dict[str, list[Shard]] = {}
    for shard in plan([source.file for source in sources if source.kind == "csv"], settings.shard_bytes, workers):
        shards.setdefault(shard.file, []).append(shard)
    binary = [source for source in sources if source.kind != "csv"]

    def cut(source: Source) -> list[Shard]:
        if source.kind == "parquet":
            return parquet_shards(source.file, settings.shard_bytes)
        return tfrecord_shards(source.file)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        shards.update(zip((source.file.path for source in binary), pool.map(cut, binary), strict=True))
    return shards


def has_labels(source: Source) -> bool | None:
    """Whether the first well-formed row of an input has a label; None if no row is well-formed.

    Raises:
        DataRefused: the input cannot be read.
    """
    return _HAVE_LABELS[source.kind](source.file)


def read_blocks_of(piece: SourceShard, settings: ScoreSettings) -> Iterator[BeatBlock]:
    """Yields a shard's rows in order, a block at a time.

    Raises:
        DataRefused: the input cannot be read, or changed while read.
    """
    return _READERS[piece.source.kind](piece, settings)
