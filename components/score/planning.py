"""Shards of all inputs, each knowing its first row; the counts that everything is reconciled with."""

from __future__ import annotations

import re
from collections.abc import Sequence

from components.score.read import shards_of
from components.score.settings import ScoreSettings
from components.score.source import Source, SourceShard

SUFFIXES = re.compile(r"(\.(csv|parquet|tfrecords?))?(\.gz)?$")
NAME_CHARACTERS = 100
"""Characters of an input's name in a shard's: names may have 255 bytes in all."""


def plan_sources(sources: Sequence[Source], settings: ScoreSettings, workers: int) -> list[SourceShard]:
    """Counts the rows of every input and cuts it into shards, in the order of the inputs.

    Args:
        sources: the inputs.
        settings: of the job.
        workers: threads to count with; the result does not depend on it.

    Raises:
        DataRefused: an input cannot be read.
    """
    shards = shards_of(list(sources), settings, workers)
    return [
        SourceShard(source, shard, index, stem_of(index, source.file.path, shard.index))
        for index, source in enumerate(sources)
        for shard in shards[source.file.path]
    ]


def stem_of(index: int, path: str, shard: int) -> str:
    """`<5-digit input>-<base name>-<5-digit shard>`, of characters that every file system and store takes."""
    base = SUFFIXES.sub("", path.rstrip("/").rsplit("/", 1)[-1], count=1)
    return f"{index:05d}-{re.sub(r'[^A-Za-z0-9._-]', '_', base)[:NAME_CHARACTERS]}-{shard:05d}"


def rows_by_file(pieces: Sequence[SourceShard]) -> dict[str, int]:
    """Path -> rows counted."""
    rows: dict[str, int] = {}
    for piece in pieces:
        rows[piece.shard.file] = rows.get(piece.shard.file, 0) + piece.shard.rows
    return rows
