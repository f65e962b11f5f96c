"""The block reader: a shard as blocks of whole lines, in bounded memory.

Where blocks begin and end depends on the shard and the block size only, never on how a file system returns its bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from components.io.files import is_compressed, read_passing
from components.io.plan import Shard, count_newlines

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
        data: their bytes, good only until the next block is read; for an over-long line its first 8 KiB.
        over_long: the block is one line of more than 64 KiB, of which `data` is the head.
    """

    first_row: int
    rows: int
    data: bytes | memoryview
    over_long: bool = False


def read_blocks(
    shard: Shard, block_bytes: int = BLOCK_BYTES, seen: Callable[[memoryview], object] = len
) -> Iterator[Block]:
    """Yields the shard's lines as blocks of at most about `block_bytes`, an over-long line as a block of its own.

    All of them lie in one buffer, in which a line that a read cut in two is put together in front of what is read next:
    no text is copied, and a block is good only until the next is asked for.

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
    read_to = LINE_BYTES
    length = block_bytes if is_compressed(shard.file) else min(block_bytes, shard.end - shard.start)
    buffer = bytearray(read_to + length)
    room, view = memoryview(buffer)[read_to:], memoryview(buffer).toreadonly()
    row = shard.first_row
    begin = read_to  # where in the buffer a line begins whose end is not read yet, at most LINE_BYTES before `read_to`
    head: bytes | None = None  # the kept part of an over-long line whose end is not read yet
    for filled in read_passing(shard.file, shard.start, shard.end, room):
        end = read_to + filled
        seen(view[read_to:end])
        at = begin
        if head is not None:
            at = buffer.find(b"\n", read_to, end) + 1
            if at == 0:
                continue
            yield Block(row, 1, head, over_long=True)
            row, head = row + 1, None
        while at < end:
            stop, after = _run(buffer, at, end)
            if stop > at:
                rows = count_newlines(view[at:stop])
                yield Block(row, rows, view[at:stop])
                row += rows
            at = stop
            if after is None:
                break
            if after == 0:
                head, at = bytes(view[at : at + HEAD_BYTES]), end
                break
            yield Block(row, 1, bytes(view[at : at + HEAD_BYTES]), over_long=True)
            row, at = row + 1, after
        begin = read_to - (end - at)
        buffer[begin:read_to] = buffer[at:end]
    if head is not None:
        yield Block(row, 1, head, over_long=True)
    elif begin < read_to:
        yield Block(row, 1, view[begin:read_to])


def _run(text: bytearray, start: int, end: int) -> tuple[int, int | None]:
    """Finds how far lines of fair length go on from `start`, and what stops them there.

    Returns:
        The byte after the last whole line, and: None if the text ends within the next line, which may yet be fair;
        0 if it ends within an over-long one; else the byte after the over-long line that is next.
    """
    stop = start
    while end - stop > LINE_BYTES:
        newline = text.rfind(b"\n", stop, stop + LINE_BYTES + 1)
        if newline < 0:
            return stop, text.find(b"\n", stop, end) + 1
        stop = newline + 1
    return max(stop, text.rfind(b"\n", stop, end) + 1), None
