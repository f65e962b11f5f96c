"""A shard of CSV as blocks of beats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from components.io.blocks import LINE_BYTES, Block, read_blocks
from components.io.files import InputFile
from components.io.parse import parse_block
from components.io.plan import Shard
from components.io.rejects import shown
from components.score.beat_block import BeatBlock, Text
from components.score.origin import OriginReader
from components.score.settings import ScoreSettings
from components.score.source import SourceShard

PEEK_BYTES: Final = 2 * LINE_BYTES
"""Bytes looked at at a time for the first well-formed row: mostly the first line is it."""


def read_csv(piece: SourceShard, settings: ScoreSettings) -> Iterator[BeatBlock]:
    """Yields the shard's rows, a block of whole lines at a time.

    Raises:
        DataRefused: the file or its provenance cannot be read, changed while read, or is not whole gzip.
    """
    provenance = piece.source.provenance
    origin = None if provenance is None else OriginReader(provenance.path)
    for block in read_blocks(piece.shard, settings.block_bytes):
        parsed = parse_block(block, settings.labelled)
        record, sample = (None, None) if origin is None else origin.take(parsed.rows)
        yield BeatBlock(
            signal=parsed.signal,
            label=parsed.label,
            record=record,
            sample=sample,
            rows=parsed.rows,
            rejects=parsed.rejects,
            text=_text_of(block),
        )


def csv_has_labels(file: InputFile) -> bool | None:
    """Whether the first well-formed row has a label, so 188 columns; None if no row is well-formed.

    Raises:
        DataRefused: the file cannot be read, or is not whole gzip.
    """
    for block in read_blocks(Shard(file.path, 0, 0, file.size, 0, 0), PEEK_BYTES):
        first = [
            (row, labelled) for labelled in (True, False) for row in parse_block(block, labelled).rows[:1].tolist()
        ]
        if first:
            return bool(min(first)[1])
    return None


def _text_of(block: Block) -> Text:
    def text(row: int) -> str:
        return shown(bytes(block.data).split(b"\n")[row - block.first_row].removesuffix(b"\r"))

    return text
