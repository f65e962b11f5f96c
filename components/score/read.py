"""A shard of any format as blocks of beats."""

from __future__ import annotations

from collections.abc import Iterator

from components.score.beat_block import BeatBlock
from components.score.csv_blocks import read_csv
from components.score.settings import ScoreSettings
from components.score.source import SourceShard

READERS = {"csv": read_csv}


def read_blocks_of(piece: SourceShard, settings: ScoreSettings) -> Iterator[BeatBlock]:
    """Yields a shard's rows in order, a block at a time.

    Raises:
        DataRefused: the file cannot be read, or changed while read.
    """
    return READERS[piece.source.kind](piece, settings)
