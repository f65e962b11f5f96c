"""A shard of CSV as blocks of beats."""

from __future__ import annotations

from collections.abc import Iterator

from components.ingest.blocks import Block, read_blocks
from components.ingest.parse import parse_block
from components.ingest.rejects import shown
from components.score.beat_block import BeatBlock, Text
from components.score.origin import OriginReader
from components.score.settings import ScoreSettings
from components.score.source import SourceShard


def read_csv(piece: SourceShard, settings: ScoreSettings) -> Iterator[BeatBlock]:
    """Yields the shard's rows, a block of whole lines at a time.

    Raises:
        DataRefused: the file or its provenance cannot be read, changed while read, or is not whole gzip.
    """
    provenance = piece.source.provenance
    origin = None if provenance is None else OriginReader(provenance.path)
    for block in read_blocks(piece.shard, settings.block_mib << 20):
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


def _text_of(block: Block) -> Text:
    def text(row: int) -> str:
        return shown(block.data.split(b"\n")[row - block.first_row].removesuffix(b"\r"))

    return text
