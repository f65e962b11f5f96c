"""The planner: one parallel pass over the files counts rows, so that every shard knows its first row.

Its counts are the independent ones that everything later is reconciled with. A row is a line: LF or CRLF, no quoting;
a last line without newline counts, an empty line is a row too. Rows are numbered from 0 in their file.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from components.io.files import InputFile, is_compressed, read_text_range

SHARD_BYTES = 256 << 20
"""CSV bytes of a shard: some 57,000 beats, seconds of work; far more than what starting one costs."""

COUNT_BYTES = 256 << 10
"""Bytes counted at a time: fits the second-level cache, where counting is fastest."""

NEWLINE = ord("\n")


@dataclass(frozen=True)
class Shard:
    """A run of whole lines of one file.

    Attributes:
        file: path or URI.
        index: place among the file's shards, from 0.
        start: first byte, as stored.
        end: byte after the last one; for a .gz, which is one shard, its compressed size.
        first_row: number of the first line in its file.
        rows: lines.
    """

    file: str
    index: int
    start: int
    end: int
    first_row: int
    rows: int


@dataclass(frozen=True)
class _Segment:
    """What the pass saw in one range of bytes: newlines, where the first one is (or None), and the last byte."""

    newlines: int
    first_newline: int | None
    last_byte: int | None


def plan(files: Sequence[InputFile], shard_bytes: int = SHARD_BYTES, workers: int = 1) -> list[Shard]:
    """Cuts files into shards of whole lines, in the order given; every file has at least one shard, be it of 0 rows.

    Args:
        files: what to read.
        shard_bytes: nominal length of a shard; a shard begins at the first line that begins at or after a multiple.
        workers: threads to count with; the result does not depend on it.

    Raises:
        DataRefused: a file cannot be read, changed while read, or is not whole gzip.
        ValueError: shard_bytes is not positive.
    """
    if shard_bytes < 1:
        raise ValueError(f"shard_bytes is {shard_bytes}, must be at least 1")
    ranges = [(file, start, end) for file in files for start, end in _ranges(file, shard_bytes)]
    with ThreadPoolExecutor(max_workers=workers) as pool:
        segments = list(pool.map(lambda each: _count(each[0].path, each[1], each[2]), ranges))
    shards: list[Shard] = []
    at = 0
    for file in files:
        count = len(_ranges(file, shard_bytes))
        shards += _shards(file, segments[at : at + count])
        at += count
    return shards


def _ranges(file: InputFile, shard_bytes: int) -> list[tuple[int, int]]:
    """Ranges to count: cut one byte before each nominal start, so that a newline there starts a shard exactly there."""
    if is_compressed(file.path):
        return [(0, file.size)]
    cuts = [0, *(at - 1 for at in range(shard_bytes, file.size, shard_bytes) if at > 1), file.size]
    return list(pairwise(cuts))


def _count(path: str, start: int, end: int) -> _Segment:
    """Counts newlines of a range, without holding all of it."""
    newlines, first, last, at = 0, None, None, start
    for chunk in read_text_range(path, start, end, COUNT_BYTES):
        found = count_newlines(chunk)
        if found and first is None:
            first = at + chunk.index(b"\n")
        newlines += found
        last = chunk[-1]
        at += len(chunk)
    return _Segment(newlines, first, last)


def count_newlines(text: bytes | memoryview) -> int:
    """Counts newlines at memory speed; threads that count do so side by side."""
    codes = np.frombuffer(text, np.uint8)
    pieces = range(0, len(codes), COUNT_BYTES)
    return sum(int(np.count_nonzero(codes[at : at + COUNT_BYTES] == NEWLINE)) for at in pieces)


def _shards(file: InputFile, segments: list[_Segment]) -> list[Shard]:
    starts, rows, before = [0], [0], segments[0].newlines
    for segment in segments[1:]:
        if segment.first_newline is not None and segment.first_newline + 1 < file.size:
            starts.append(segment.first_newline + 1)
            rows.append(before + 1)
        before += segment.newlines
    unfinished = segments[-1].last_byte not in (None, NEWLINE)
    ends = [*starts[1:], file.size]
    counts = np.diff([*rows, before + unfinished])
    return [
        Shard(file.path, index, start, end, first, int(count))
        for index, (start, end, first, count) in enumerate(zip(starts, ends, rows, counts, strict=True))
    ]
