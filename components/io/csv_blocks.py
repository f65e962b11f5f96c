"""CSV as blocks of beats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from components.io.beat_block import BeatBlock, Text
from components.io.files import InputFile
from components.io.parse import parse_block
from components.io.provenance import OriginReader
from components.io.rejects import shown
from components.io.text import LINE_BYTES, Block, read_blocks

PEEK_BYTES: Final = 2 * LINE_BYTES
"""Bytes looked at at a time for the first well-formed row: mostly the first line is it."""


def read_csv(text: Iterable[Block], labelled: bool, provenance: InputFile | None = None) -> Iterator[BeatBlock]:
    """Yield the beats of blocks of whole lines.

    Args:
        text: blocks of one file, in order.
        labelled: whether rows carry a label.
        provenance: the file that says where the beats come from, if there is one.

    Raises:
        DataRefused: the file or its provenance cannot be read, changed while read, or is not whole gzip.
    """
    origin = None if provenance is None else OriginReader(provenance.path)
    for block in text:
        parsed = parse_block(block, labelled)
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
    for block in read_blocks(file.path, 0, file.size, block_bytes=PEEK_BYTES):
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
