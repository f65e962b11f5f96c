"""Whether the inputs carry labels as the job expects: told by each file's first well-formed row."""

from __future__ import annotations

from collections.abc import Sequence

from components.beats.beat import COLUMNS, SAMPLES
from components.beats.errors import DataRefused
from components.ingest.blocks import LINE_BYTES, Block, read_blocks
from components.ingest.parse import parse_block
from components.ingest.plan import Shard
from components.score.source import Source

PEEK_BYTES = 2 * LINE_BYTES
"""Bytes looked at at a time: mostly the first line decides."""


def check_labels(sources: Sequence[Source], labelled: bool) -> None:
    """Refuses CSV files whose first well-formed row has a label where none is expected, or the other way round.

    A labelled file that lost a column looks like an unlabelled one, so which it is has to be said.

    Raises:
        DataRefused: such files, or one that cannot be read.
    """
    wrong = [
        source.file.path for source in sources if source.kind == "csv" and has_labels(source) not in (None, labelled)
    ]
    if wrong and labelled:
        raise DataRefused(
            [
                f"{path} has {SAMPLES} columns in its first well-formed row, so no label, and {COLUMNS} were expected. "
                "Is a column lost? If it never had labels, say so with --no-label."
                for path in wrong
            ]
        )
    if wrong:
        raise DataRefused(
            [
                f"{path} has {COLUMNS} columns in its first well-formed row, so a label, but --no-label says "
                "that there is none. Leave --no-label out."
                for path in wrong
            ]
        )


def has_labels(source: Source) -> bool | None:
    """Whether the first well-formed row of a CSV has a label; None if no row is well-formed."""
    whole = Shard(source.file.path, 0, 0, source.file.size, 0, 0)
    for block in read_blocks(whole, PEEK_BYTES):
        first = {labelled: _first_row(block, labelled) for labelled in (True, False)}
        found = [(row, labelled) for labelled, row in first.items() if row is not None]
        if found:
            return min(found)[1]
    return None


def _first_row(block: Block, labelled: bool) -> int | None:
    rows = parse_block(block, labelled).rows
    return int(rows[0]) if len(rows) else None
