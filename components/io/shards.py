"""Shards: the planner cuts files into runs of rows, and every shard is read as blocks of beats, whatever its format.

One parallel pass over the files counts rows, so that every shard knows its first row.

Everything later is reconciled with these independent counts. A row is a line: LF or CRLF, no quoting;
a last line without newline counts, an empty line is a row too. Rows are numbered from 0 in their file.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from typing import NamedTuple

import numpy as np

from components.io.beat_block import BeatBlock
from components.io.csv import read_csv
from components.io.examples import read_tfrecord
from components.io.parquet import parquet_table, read_parquet
from components.io.sources import Source
from components.io.storage import InputFile
from components.io.text import (
    BLOCK_BYTES,
    COUNT_BYTES,
    NEWLINE,
    Block,
    count_newlines,
    is_compressed,
    read_blocks,
    read_text,
)
from components.io.tfrecord import read_records

SHARD_BYTES = 256 << 20
"""CSV bytes of a shard: some 57,000 beats, seconds of work; far more than what starting one costs."""

COUNTING_THREADS = 4
"""Threads of the planner: two cores' worth and some waiting for the file system."""

CSV_ROW_BYTES = 4700
"""Bytes of a beat in Kaggle's CSV: a shard holds as many beats in any format."""

SUFFIXES = re.compile(r"(\.(csv|parquet|tfrecords?))?(\.gz)?$", re.IGNORECASE)

NAME_CHARACTERS = 100
"""Characters of an input's name in a shard's: names may have 255 bytes in all."""


@dataclass(frozen=True)
class SourceShard:
    """A run of rows of one of several inputs.

    Attributes:
        source: the file.
        input_index: number of the file among the inputs, from 0.
        index: number among the file's shards, from 0.
        start: first byte, as stored, where a line begins; of Parquet the first row group.
        end: byte, or row group, after the last one; for a .gz, which is one shard, its compressed size.
        first_row: number of the first row in its file.
        rows: number of rows.
    """

    source: Source
    input_index: int
    index: int
    start: int
    end: int
    first_row: int
    rows: int

    @property
    def file(self) -> str:
        """Path or URI."""
        return self.source.file.path

    @property
    def stem(self) -> str:
        """Name of the shard's files, unique among all shards."""
        return stem_of(self.input_index, self.file, self.index)

    @property
    def amount(self) -> int:
        """Rows, the measure of progress and of which shards are largest and go first."""
        return self.rows

    def describe(self) -> str:
        """Describe the shard."""
        return f"rows {self.first_row:,} to {self.first_row + self.rows - 1:,} of {self.file}"


class _Run(NamedTuple):
    """The last four attributes of a shard."""

    start: int
    end: int
    first_row: int
    rows: int


@dataclass(frozen=True)
class _Segment:
    """One range of bytes: how many newlines it has, where the first one is (or None), and the last byte."""

    newlines: int
    first_newline: int | None
    last_byte: int | None


def plan_sources(
    sources: Sequence[Source], shard_bytes: int = SHARD_BYTES, workers: int = COUNTING_THREADS
) -> list[SourceShard]:
    """Count the rows of every input and cut it into shards, in the order of the inputs; each has at least one shard.

    Args:
        sources: the inputs.
        shard_bytes: bytes of CSV in a shard, which begins at the first line at or after a multiple; shards of other
            formats hold as many beats.
        workers: threads to count with; the result does not depend on it.

    Raises:
        DataRefused: an input cannot be read, changed while read, or is not whole gzip.
        ValueError: shard_bytes is not positive.
    """
    if shard_bytes < 1:
        raise ValueError(f"shard_bytes is {shard_bytes}, must be at least 1")
    texts = [source.file for source in sources if source.kind == "csv"]
    binary = [source for source in sources if source.kind != "csv"]
    ranges = [_ranges(file, shard_bytes) for file in texts]
    with ThreadPoolExecutor(max_workers=workers) as pool:
        segments = pool.map(lambda cut: _count(*cut), chain.from_iterable(ranges))
        runs = {
            file.path: _cut_text(file, list(islice(segments, len(cuts))))
            for file, cuts in zip(texts, ranges, strict=True)
        }
        cut = pool.map(lambda source: _cut_binary(source, shard_bytes), binary)
        runs.update(zip((source.file.path for source in binary), cut, strict=True))
    return [
        SourceShard(source, input_index, index, *run)
        for input_index, source in enumerate(sources)
        for index, run in enumerate(runs[source.file.path])
    ]


def _ranges(file: InputFile, shard_bytes: int) -> list[tuple[str, int, int]]:
    """Return the ranges to count, cut a byte before each nominal start: a newline there starts a shard right there."""
    if is_compressed(file.path):
        return [(file.path, 0, file.size)]
    cuts = [0, *(start - 1 for start in range(shard_bytes, file.size, shard_bytes) if start > 1), file.size]
    return [(file.path, start, end) for start, end in pairwise(cuts)]


def _count(path: str, start: int, end: int) -> _Segment:
    """Count the newlines of a range without loading all of it."""
    newlines, first, last, offset = 0, None, None, start
    for chunk in read_text(path, start, end, COUNT_BYTES):
        count = count_newlines(chunk)
        if count and first is None:
            first = offset + chunk.index(b"\n")
        newlines += count
        last = None if offset == 0 and chunk == codecs.BOM_UTF8 else chunk[-1]
        offset += len(chunk)
    return _Segment(newlines, first, last)


def _cut_text(file: InputFile, segments: list[_Segment]) -> list[_Run]:
    """Cut a file into runs of whole lines; one without lines is a run of none."""
    starts, rows, before = [0], [0], segments[0].newlines
    for segment in segments[1:]:
        if segment.first_newline is not None and segment.first_newline + 1 < file.size:
            starts.append(segment.first_newline + 1)
            rows.append(before + 1)
        before += segment.newlines
    unfinished = segments[-1].last_byte not in (None, NEWLINE)
    ends = [*starts[1:], file.size]
    counts = np.diff([*rows, before + unfinished]).tolist()
    return [_Run(*run) for run in zip(starts, ends, rows, counts, strict=True)]


def _cut_binary(source: Source, shard_bytes: int) -> list[_Run]:
    """Cut a Parquet file into runs of whole row groups; leave a TFRecord file whole."""
    file = source.file
    if source.kind == "tfrecord":
        return [_Run(0, file.size, 0, sum(1 for _ in read_records(file)))]
    groups = parquet_table(file).group_rows
    wanted = max(shard_bytes // CSV_ROW_BYTES, 1)
    runs: list[_Run] = []
    start = first = rows = 0
    for end, count in enumerate(groups, 1):
        rows += count
        if rows >= wanted or end == len(groups):
            runs.append(_Run(start, end, first, rows))
            start, first, rows = end, first + rows, 0
    return runs or [_Run(0, 0, 0, 0)]


def stem_of(index: int, path: str, shard: int) -> str:
    """`<5-digit input>-<base name>-<5-digit shard>`, of characters that every file system and store takes."""
    base = SUFFIXES.sub("", path.rstrip("/").rsplit("/", 1)[-1], count=1)
    return f"{index:05d}-{re.sub(r'[^A-Za-z0-9._-]', '_', base)[:NAME_CHARACTERS]}-{shard:05d}"


def rows_by_file(shards: Sequence[SourceShard]) -> dict[str, int]:
    """Path -> rows counted."""
    rows: dict[str, int] = {}
    for shard in shards:
        rows[shard.file] = rows.get(shard.file, 0) + shard.rows
    return rows


def read_shard(
    shard: SourceShard, *, labelled: bool, block_rows: int, with_context: bool = False
) -> Iterator[BeatBlock]:
    """Yield a shard's rows in order, a block at a time.

    Args:
        shard: what to read.
        labelled: whether rows carry a label.
        block_rows: rows of a block; for CSV at least this many, except in the last.
        with_context: whether the beats of Parquet get their context, which the file must have.

    Raises:
        DataRefused: the input cannot be read, or changed while read.
    """
    source = shard.source
    if source.kind == "parquet":
        yield from read_parquet(
            shard.file, shard.start, shard.end, shard.first_row, block_rows, with_context=with_context
        )
    elif source.kind == "tfrecord":
        yield from read_tfrecord(source.file, labelled, block_rows)
    else:
        yield from read_csv(read_lines(shard), labelled, block_rows, source.provenance)


def read_lines(
    shard: SourceShard, block_bytes: int = BLOCK_BYTES, on_text: Callable[[memoryview], object] = len
) -> Iterator[Block]:
    """Yield the lines of a shard of text, a block at a time; arguments as of `read_blocks`."""
    return read_blocks(shard.file, shard.start, shard.end, shard.first_row, block_bytes=block_bytes, on_text=on_text)
