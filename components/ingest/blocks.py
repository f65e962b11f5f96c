"""The block reader: a shard as blocks of whole lines, in bounded memory.

Where blocks begin and end depends on the shard and the block size only, never on how a file system returns its bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from components.ingest.files import read_passing
from components.ingest.plan import Shard, count_newlines

BLOCK_BYTES = 16 << 20
"""Bytes read at a time: some 3,500 beats, which parsing spends 20 ms on; the memory of a worker is a few of them."""

LINE_BYTES = 64 << 10
"""Longest line that is read, without its newline: 187 samples of Kaggle's format take 4,700 bytes."""

HEAD_BYTES = 8 << 10
"""How much of a line is kept where it is not used: enough to see what it is."""


@dataclass(frozen=True)
class Block:
    """Whole lines of a file, in order.

    Attributes:
        first_row: number of its first line in the file.
        rows: lines, the last of which may lack its newline.
        data: their bytes; for an over-long line its first 8 KiB.
        over_long: the block is one line of more than 64 KiB, of which `data` is the head.
    """

    first_row: int
    rows: int
    data: bytes
    over_long: bool = False


def read_blocks(
    shard: Shard, block_bytes: int = BLOCK_BYTES, seen: Callable[[bytes | bytearray], object] = len
) -> Iterator[Block]:
    """Yields the shard's lines as blocks of at most about `block_bytes`, an over-long line as a block of its own.

    Args:
        shard: what to read.
        block_bytes: bytes read at a time, at least two longest lines.
        seen: called with every chunk of the text, in order, which is not to be kept: where a digest is taken.

    Raises:
        DataRefused: the file cannot be read, changed while read, or is not whole gzip.
        ValueError: block_bytes is too small.
    """
    if block_bytes < 2 * LINE_BYTES:
        raise ValueError(f"block_bytes is {block_bytes}, must be at least {2 * LINE_BYTES}")
    row = shard.first_row
    rest = b""  # the beginning of a line whose end is not read yet, at most LINE_BYTES long
    head: bytes | None = None  # the kept part of an over-long line whose end is not read yet
    for chunk in read_passing(shard.file, shard.start, shard.end, block_bytes):
        seen(chunk)
        at = 0
        if head is not None:
            at = chunk.find(b"\n") + 1
            if at == 0:
                continue
            yield Block(row, 1, head, over_long=True)
            row, head = row + 1, None
        begun, rest = rest, b""
        if begun and chunk.find(b"\n", 0, LINE_BYTES + 1 - len(begun)) < 0:
            begun, chunk = b"", begun + chunk  # the line is over-long, or goes on beyond this chunk
        while at < len(chunk):
            stop, after = _run(chunk, at)
            if stop > at:
                data = b"".join((begun, memoryview(chunk)[at:stop]))
                block = Block(row, count_newlines(data), data)
                yield block
                row, begun = row + block.rows, b""
            at = stop
            if after is None:
                break
            if after == 0:
                head, at = bytes(chunk[at : at + HEAD_BYTES]), len(chunk)
                break
            yield Block(row, 1, bytes(chunk[at : at + HEAD_BYTES]), over_long=True)
            row, at = row + 1, after
        rest = bytes(chunk[at:])
    if head is not None:
        yield Block(row, 1, head, over_long=True)
    elif rest:
        yield Block(row, 1, rest)


def _run(text: bytes | bytearray, start: int) -> tuple[int, int | None]:
    """Finds how far lines of fair length go on from `start`, and what stops them there.

    Returns:
        The byte after the last whole line, and: None if the text ends within the next line, which may yet be fair;
        0 if it ends within an over-long one; else the byte after the over-long line that is next.
    """
    stop = start
    while len(text) - stop > LINE_BYTES:
        newline = text.rfind(b"\n", stop, stop + LINE_BYTES + 1)
        if newline < 0:
            return stop, text.find(b"\n", stop) + 1
        stop = newline + 1
    return max(stop, text.rfind(b"\n", stop) + 1), None
