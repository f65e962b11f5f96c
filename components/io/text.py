"""Text: a range of a file, decompressed if it is gzip, as chunks or as blocks of whole lines, in bounded memory.

A byte order mark at the beginning of a file belongs to no line: blocks and the planner's counts leave it out.
Where blocks begin and end depends on the range and the block size only, never on how a file system returns its bytes.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from components.errors import DataRefused
from components.io.storage import CHUNK_BYTES, open_range

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_BYTES = 1 << 20
"""Bytes read at a time: some 220 beats, which a second-level cache still holds while they are parsed."""

LINE_BYTES = 64 << 10
"""Longest line that is read, without its newline: 187 samples of Kaggle's format take 4,700 bytes."""

HEAD_BYTES = 8 << 10
"""How much of an unusable line is kept: enough to see what it is."""

COUNT_BYTES = 256 << 10
"""Bytes counted at a time: fits the second-level cache, where counting is fastest."""

NEWLINE = ord("\n")


def is_compressed(path: str) -> bool:
    """Return whether a file is gzip, by its name."""
    return path.lower().endswith(".gz")


@contextmanager
def open_text(path: str, start: int, end: int) -> Iterator[io.BufferedReader | gzip.GzipFile]:
    """Open the text of a range: as `open_range`, decompressed for a .gz, whose range must be the whole file.

    Raises:
        DataRefused: the file is not there, changed while read, or is not whole gzip.
        EnvironmentRefused: it cannot be opened or read for another reason.
    """
    with open_range(path, start, end) as stored:
        if not is_compressed(path):
            yield stored
            return
        try:
            if start == end:
                raise EOFError("it has no bytes")
            with gzip.GzipFile(mode="rb", fileobj=stored) as text:
                yield text
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataRefused(f"{path} is not a whole gzip file ({error}): copy or download it again.") from error


def read_text(path: str, start: int, end: int, chunk_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """Yield the text of a range in chunks of `chunk_bytes` but for the last; errors as of `open_text`."""
    with open_text(path, start, end) as text:
        while chunk := text.read(chunk_bytes):
            yield chunk


def arrow_buffer(text: bytes | memoryview) -> pa.Buffer:
    """Copy text into Arrow's own memory.

    Arrow's reader continues in a thread for a moment. A thread that releases Python's memory while the interpreter ends
    aborts the process, which then exits with 134 instead of its exit code.
    """
    import pyarrow as pa

    stream = pa.BufferOutputStream()
    stream.write(text)
    return stream.getvalue()


def count_newlines(text: bytes | memoryview) -> int:
    """Count newlines at memory speed; threads that count do so side by side."""
    codes = np.frombuffer(text, np.uint8)
    pieces = range(0, len(codes), COUNT_BYTES)
    return sum(int(np.count_nonzero(codes[start : start + COUNT_BYTES] == NEWLINE)) for start in pieces)


@dataclass(frozen=True)
class Block:
    """Whole lines of a file, in order.

    Attributes:
        first_row: number of its first line in the file.
        rows: lines, the last of which may lack its newline.
        data: their bytes, valid only until the next block is read; for an over-long line its first 8 KiB.
        over_long: the block is one line of more than 64 KiB, of which `data` is the head.
    """

    first_row: int
    rows: int
    data: bytes | memoryview
    over_long: bool = False


def read_blocks(
    path: str,
    start: int,
    end: int,
    first_row: int = 0,
    *,
    block_bytes: int = BLOCK_BYTES,
    on_text: Callable[[memoryview], object] = len,
) -> Iterator[Block]:
    """Yield whole lines of a file as blocks of at most about `block_bytes`, an over-long line as a separate block.

    All of them lie in one buffer, in which a line split between two reads is put together in front of the next read:
    no text is copied, and a block is valid only until the next is requested.

    Args:
        path: local path or URI.
        start: first byte, as stored, where a line begins.
        end: byte after the last one, as stored.
        first_row: number of the first line in the file.
        block_bytes: bytes read at a time, at least two longest lines.
        on_text: called with every chunk of the text, in order, which must not be kept: for digests.

    Raises:
        DataRefused: the file cannot be read, changed while read, or is not whole gzip.
        ValueError: block_bytes is too small.
    """
    if block_bytes < 2 * LINE_BYTES:
        raise ValueError(f"block_bytes is {block_bytes}, must be at least {2 * LINE_BYTES}")
    fresh = LINE_BYTES  # where in the buffer the bytes of a read begin
    at_file_start = start == 0
    length = block_bytes if is_compressed(path) else min(block_bytes, end - start)
    buffer = bytearray(fresh + length)
    view = memoryview(buffer).toreadonly()
    row = first_row
    begin = fresh  # where the line begins whose end is not read yet, at most LINE_BYTES before `fresh`
    head: bytes | None = None  # the kept part of an over-long line whose end is not read yet
    for size in _read_text_into(memoryview(buffer)[fresh:], path, start, end):
        filled = fresh + size
        on_text(view[fresh:filled])
        position = begin
        if at_file_start and buffer.startswith(codecs.BOM_UTF8, fresh, filled):
            position += len(codecs.BOM_UTF8)
        at_file_start = False
        if head is not None:
            position = buffer.find(b"\n", fresh, filled) + 1
            if position == 0:
                continue
            yield Block(row, 1, head, over_long=True)
            row, head = row + 1, None
        while position < filled:
            stop, after = _run(buffer, position, filled)
            if stop > position:
                rows = count_newlines(view[position:stop])
                yield Block(row, rows, view[position:stop])
                row += rows
            position = stop
            if after is None:
                break
            line_head = bytes(view[position : position + HEAD_BYTES])
            if after == 0:
                head, position = line_head, filled
                break
            yield Block(row, 1, line_head, over_long=True)
            row, position = row + 1, after
        begin = fresh - (filled - position)
        buffer[begin:fresh] = buffer[position:filled]
    if head is not None:
        yield Block(row, 1, head, over_long=True)
    elif begin < fresh:
        yield Block(row, 1, view[begin:fresh])


def _read_text_into(buffer: memoryview, path: str, start: int, end: int) -> Iterator[int]:
    """Read the text of a range into one reused buffer, full each time but the last; yield how many bytes are valid.

    The kernel takes as long to give out memory as to fill it, so this is faster than `read_text`.
    """
    with open_text(path, start, end) as text:
        while size := text.readinto(buffer):
            yield size


def _run(text: bytearray, start: int, end: int) -> tuple[int, int | None]:
    """Find the end of the lines of normal length from `start` on, and what follows.

    Returns:
        The byte after the last whole line, and: None if the text ends within the next line, which may still be normal;
        0 if it ends within an over-long one; else the byte after the over-long line that is next.
    """
    stop = start
    while end - stop > LINE_BYTES:
        newline = text.rfind(b"\n", stop, stop + LINE_BYTES + 1)
        if newline < 0:
            return stop, text.find(b"\n", stop, end) + 1
        stop = newline + 1
    return max(stop, text.rfind(b"\n", stop, end) + 1), None
