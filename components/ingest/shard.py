"""One shard of rows to TFRecords: its beats divided among the splits, its rejects, and a record of the counts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from components.beat import CLASSES, Beats
from components.errors import DataRefused, EnvironmentRefused, HeartbeatError
from components.ingest.settings import DataSettings
from components.ingest.split import Side, Split, held_out_rows
from components.io.beat_block import BeatBlock
from components.io.csv import parse_block
from components.io.examples import encode_examples
from components.io.parquet import read_parquet
from components.io.provenance import NO_LABEL, Origin, OriginReader
from components.io.rejects import COLUMNS_WRONG, NOT_A_NUMBER
from components.io.shards import SourceShard, read_lines
from components.io.storage import storage_at, write_whole
from components.io.text import Block
from components.io.tfrecord import write_records

BLOCK_ROWS: Final = 4096
"""Rows of Parquet read at a time, about as many as a block of CSV has."""

QUOTED_REJECTS: Final = 5
"""Rejects of a shard that its record quotes; all are in its rejects file."""

QUOTED_TEXT: Final = 80
"""Characters of a rejected line that are quoted."""

REFUSED: Final = "refused"
"""Key of what is written instead of a record if the shard failed."""

ERRORS: Final = {kind.__name__: kind for kind in (HeartbeatError, DataRefused, EnvironmentRefused)}


@dataclass(frozen=True)
class ShardJob:
    """One shard's work.

    Attributes:
        shard: the rows.
        into: the side they are on.
        name: of the shard among those of its side, as in `00000-of-00002`.
        variants: whether the rows are made from those of the train file: none of them is for validation.
        records_known: whether each of the file's rows has a record, by a provenance file that fits or its own column.
        settings: which say how many of the train file's rows are held out for validation, and the seed.
        held_out: records to hold out whole; None where single rows are chosen instead.
        examples_uri: folder of the examples.
        report_uri: folder of the ingest report.
    """

    shard: SourceShard
    into: Side
    name: str
    variants: bool
    records_known: bool
    settings: DataSettings
    held_out: frozenset[str] | None
    examples_uri: str
    report_uri: str

    @property
    def examples(self) -> dict[Split, str]:
        """Split -> TFRecord file to write."""
        splits: tuple[Split, ...] = ("train", "eval") if self.into == "train" else ("test",)
        if self.variants:
            splits = ("train",)
        return {split: f"{self.examples_uri}/Split-{split}/data_tfrecord-{self.name}" for split in splits}

    @property
    def rejects(self) -> str:
        """Rejects file to write."""
        return f"{self.report_uri}/shards/{self.into}-{self.name}.jsonl"

    @property
    def record(self) -> str:
        """Record to write, last of all."""
        return f"{self.report_uri}/shards/{self.into}-{self.name}.json"


@dataclass
class ShardRecord:
    """What became of one shard's rows.

    Attributes:
        classes: split -> beats written, by class.
        left_out: variants of rows that are held out for validation.
        reasons: kind of reject -> lines.
        first_rejects: (row, reason, beginning of the text, if it is text) of the first few.
        cut: whether its last line has neither a newline nor all its values.
        sha256: of its text (decompressed), or of what its beats are where it is no CSV; hex.
        mislabelled: rows whose label differs from their provenance's.
        first_mislabelled: sentence about the first of them, None without any.
    """

    classes: dict[Split, list[int]]
    left_out: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    first_rejects: list[tuple[int, str, str | None]] = field(default_factory=list)
    cut: bool = False
    sha256: str = ""
    mislabelled: int = 0
    first_mislabelled: str | None = None

    @property
    def examples(self) -> int:
        """Beats written."""
        return sum(sum(counts) for counts in self.classes.values())

    @property
    def rejects(self) -> int:
        """Lines rejected."""
        return sum(self.reasons.values())

    def to_json(self) -> str:
        """Return the record as JSON, read back by `from_json`."""
        return json.dumps(vars(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> ShardRecord:
        """Read what `to_json` wrote.

        Raises:
            HeartbeatError: what `refusal_json` wrote.
        """
        content = json.loads(text)
        if REFUSED in content:
            raise ERRORS[content[REFUSED]](content["sentences"])
        return cls(**{**content, "first_rejects": [tuple(each) for each in content["first_rejects"]]})

    def count_rejects(self, block: BeatBlock) -> None:
        """Count the rejects of the next block."""
        for reject in block.rejects:
            self.reasons[reject.kind] = self.reasons.get(reject.kind, 0) + 1
        quoted = block.rejects[: QUOTED_REJECTS - len(self.first_rejects)]
        self.first_rejects += [
            (each.row, each.reason, None if each.text is None else each.text[:QUOTED_TEXT]) for each in quoted
        ]

    def look_for_cut(self, lines: Block, block: BeatBlock) -> None:
        """Note whether the next block ends within a line."""
        last = block.rejects[-1] if block.rejects else None
        self.cut = (
            last is not None
            and last.row == lines.first_row + lines.rows - 1
            and last.kind in (COLUMNS_WRONG, NOT_A_NUMBER)
            and lines.data[-1:] != b"\n"
        )

    def count_mislabelled(self, beats: BeatBlock, origin: Origin) -> None:
        """Count the beats of the next block whose label their provenance contradicts."""
        assert beats.label is not None, "the parser was asked for labels"
        wrong = np.flatnonzero(origin.label != beats.label)
        if len(wrong) and self.first_mislabelled is None:
            row, label, expected = beats.rows[wrong[0]], beats.label[wrong[0]], origin.label[wrong[0]]
            theirs = "none" if expected == NO_LABEL else expected
            self.first_mislabelled = f"row {row} has label {label}, its provenance {theirs}"
        self.mislabelled += len(wrong)


def refusal_json(error: HeartbeatError) -> str:
    """Return what to leave in the place of a record; runners that pass errors on as text would lose its class."""
    return json.dumps({REFUSED: type(error).__name__, "sentences": error.sentences})


def attempt_shard(job: ShardJob) -> None:
    """Ingest a shard; one that cannot be done leaves its error where its record would be, for `finish_ingest`.

    Raises:
        HeartbeatError: that error, where not even it can be written.
    """
    try:
        ingest_shard(job)
    except HeartbeatError as error:
        try:
            write_whole(job.record, refusal_json(error))
        except EnvironmentRefused:
            raise error from None


def ingest_shard(job: ShardJob) -> None:
    """Read, parse, divide and write one shard; its record is written after its data.

    Raises:
        DataRefused: the file is not there, or changed since it was planned.
        EnvironmentRefused: it cannot be read, or an output cannot be written.
    """
    record = ShardRecord({split: [0] * len(CLASSES) for split in job.examples})
    with ExitStack() as stack:
        outputs = {split: stack.enter_context(storage_at(path).create()) for split, path in job.examples.items()}
        rejects = stack.enter_context(storage_at(job.rejects).create())
        for block in _csv_blocks(job, record) if job.shard.source.kind == "csv" else _parquet_blocks(job, record):
            rejects.write("".join(reject.to_json(job.shard.file) for reject in block.rejects).encode())
            divided = _divide(job, block)
            record.left_out += len(divided["eval"]) if job.variants else 0
            for split in job.examples:
                beats = divided[split]
                write_records(outputs[split], encode_examples(beats))
                counts = np.bincount(beats.label, minlength=len(CLASSES))
                record.classes[split] = (counts + record.classes[split]).tolist()
            record.count_rejects(block)
    write_whole(job.record, record.to_json())


def _csv_blocks(job: ShardJob, record: ShardRecord) -> Iterator[BeatBlock]:
    """Yield the blocks of a shard of CSV; note what only text, or a provenance file beside it, can tell."""
    digest = hashlib.sha256()
    provenance = job.shard.source.provenance if job.records_known else None
    origins = None if provenance is None else OriginReader(provenance.path)
    for lines in read_lines(job.shard, on_text=digest.update):
        block = parse_block(lines)
        record.look_for_cut(lines, block)
        if origins is not None:
            origin = origins.take(block.rows)
            record.count_mislabelled(block, origin)
            block = replace(block, record=origin.record)
        yield block
    record.sha256 = digest.hexdigest()


def _parquet_blocks(job: ShardJob, record: ShardRecord) -> Iterator[BeatBlock]:
    """Yield the blocks of a shard of row groups."""
    digest = hashlib.sha256()
    shard = job.shard
    rows = (shard.file, shard.start, shard.end, shard.first_row, BLOCK_ROWS)
    for block in read_parquet(*rows, with_context=job.settings.context):
        digest.update(block.content())
        yield block if job.records_known else replace(block, record=None)
    record.sha256 = digest.hexdigest()


def _divide(job: ShardJob, block: BeatBlock) -> dict[Split, Beats]:
    """Divide a block's beats among the splits of its side."""
    assert block.label is not None, "the reader was asked for labels"
    record = None if block.record is None else tuple(block.record)
    beats = Beats(block.signal, block.label, record, block.context)
    if job.into == "test":
        return {"test": beats}
    if job.held_out is None or block.record is None:
        held_out = held_out_rows(block.signal, job.settings.eval_share, job.settings.seed)
    else:
        held_out = np.isin(block.record.astype(str), list(job.held_out))
    return {"train": beats.take(np.flatnonzero(~held_out)), "eval": beats.take(np.flatnonzero(held_out))}
