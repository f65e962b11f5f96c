"""Text: a range of a file, decompressed where it is gzip, as chunks or as blocks of whole lines, in bounded memory.

Where blocks begin and end depends on the shard and the block size only, never on how a file system returns its bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from components.errors import DataRefused
from components.io.files import CHUNK_BYTES, read_range, read_range_into

BLOCK_BYTES = 16 << 20
"""Bytes read at a time: some 3,500 beats, which parsing spends 20 ms on; the memory of a worker is a few of them."""

LINE_BYTES = 64 << 10
"""Longest line that is read, without its newline: 187 samples of Kaggle's format take 4,700 bytes."""

HEAD_BYTES = 8 << 10
"""How much of a line is kept where it is not used: enough to see what it is."""

COUNT_BYTES = 256 << 10
"""Bytes counted at a time: fits the second-level cache, where counting is fastest."""

NEWLINE = ord("\n")


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


def is_compressed(path: str) -> bool:
    """Whether a file is gzip, told by its name."""
    return path.endswith(".gz")


def read_text_range(path: str, start: int, end: int, chunk_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """Yields the text of a range: as `read_range`, decompressed for a .gz (whose range must be the whole file).

    Chunks of a .gz are at most `chunk_bytes` long, too, however well it is compressed.

    Raises:
        DataRefused: the file is not there, changed while read, or is not whole gzip.
        EnvironmentRefused: it cannot be opened or read for another reason.
    """
    if not is_compressed(path):
        yield from read_range(path, start, end, chunk_bytes)
        return
    try:
        yield from _gunzip(read_range(path, start, end), chunk_bytes)
    except (EOFError, zlib.error) as error:
        raise DataRefused(f"{path} is not a whole gzip file ({error}): copy or download it again.") from error


def _read_text_into(path: str, start: int, end: int, buffer: memoryview) -> Iterator[int]:
    """Read the text of a range into one reused buffer, full each time but the last; yield how many bytes are valid."""
    if not is_compressed(path):
        yield from read_range_into(path, start, end, buffer)
        return
    for chunk in read_text_range(path, start, end, len(buffer)):
        buffer[: len(chunk)] = chunk
        yield len(chunk)


def _gunzip(stored: Iterator[bytes], chunk_bytes: int) -> Iterator[bytes]:
    """Decompresses one or more gzip members with bounded memory; a chunk is full but for the last."""
    gzip_format = 16 + zlib.MAX_WBITS
    decoder = zlib.decompressobj(gzip_format)
    text = bytearray()
    for piece in stored:
        while piece:
            if decoder.eof:
                piece = piece.lstrip(b"\0")
                if not piece:
                    break
                decoder = zlib.decompressobj(gzip_format)
            text += decoder.decompress(piece, chunk_bytes - len(text))
            piece = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
            if len(text) == chunk_bytes:
                yield bytes(text)
                text.clear()
    while not decoder.eof:
        rest = decoder.decompress(b"", chunk_bytes - len(text)) if chunk_bytes > len(text) else b""
        if not rest:
            raise EOFError("it ends before its last block")
        text += rest
        if len(text) == chunk_bytes:
            yield bytes(text)
            text.clear()
    if text:
        yield bytes(text)


def count_newlines(text: bytes | memoryview) -> int:
    """Counts newlines at memory speed; threads that count do so side by side."""
    codes = np.frombuffer(text, np.uint8)
    pieces = range(0, len(codes), COUNT_BYTES)
    return sum(int(np.count_nonzero(codes[at : at + COUNT_BYTES] == NEWLINE)) for at in pieces)


def read_blocks(
    path: str,
    start: int,
    end: int,
    first_row: int = 0,
    *,
    block_bytes: int = BLOCK_BYTES,
    on_text: Callable[[memoryview], object] = len,
) -> Iterator[Block]:
    """Yield whole lines of a file as blocks of at most about `block_bytes`, an over-long line as a block of its own.

    All of them lie in one buffer, in which a line that a read cut in two is put together in front of what is read next:
    no text is copied, and a block is good only until the next is asked for.

    Args:
        path: local path or URI.
        start: first byte, as stored, where a line begins.
        end: byte after the last one, as stored.
        first_row: number of the first line in the file.
        block_bytes: bytes read at a time, at least two longest lines.
        on_text: called with every chunk of the text, in order, which is not to be kept: where a digest is taken.

    Raises:
        DataRefused: the file cannot be read, changed while read, or is not whole gzip.
        ValueError: block_bytes is too small.
    """
    if block_bytes < 2 * LINE_BYTES:
        raise ValueError(f"block_bytes is {block_bytes}, must be at least {2 * LINE_BYTES}")
    read_to = LINE_BYTES
    length = block_bytes if is_compressed(path) else min(block_bytes, end - start)
    buffer = bytearray(read_to + length)
    room, view = memoryview(buffer)[read_to:], memoryview(buffer).toreadonly()
    row = first_row
    begin = read_to  # where in the buffer a line begins whose end is not read yet, at most LINE_BYTES before `read_to`
    head: bytes | None = None  # the kept part of an over-long line whose end is not read yet
    for filled in _read_text_into(path, start, end, room):
        filled_to = read_to + filled
        on_text(view[read_to:filled_to])
        at = begin
        if head is not None:
            at = buffer.find(b"\n", read_to, filled_to) + 1
            if at == 0:
                continue
            yield Block(row, 1, head, over_long=True)
            row, head = row + 1, None
        while at < filled_to:
            stop, after = _run(buffer, at, filled_to)
            if stop > at:
                rows = count_newlines(view[at:stop])
                yield Block(row, rows, view[at:stop])
                row += rows
            at = stop
            if after is None:
                break
            if after == 0:
                head, at = bytes(view[at : at + HEAD_BYTES]), filled_to
                break
            yield Block(row, 1, bytes(view[at : at + HEAD_BYTES]), over_long=True)
            row, at = row + 1, after
        begin = read_to - (filled_to - at)
        buffer[begin:read_to] = buffer[at:filled_to]
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
