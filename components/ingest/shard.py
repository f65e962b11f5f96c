"""One shard of CSV to TFRecords: its beats divided among the splits, its rejects, and a record of the counts."""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from components.beat import CLASSES, Beats
from components.errors import DataRefused, EnvironmentRefused, HeartbeatError
from components.ingest.settings import DataSettings
from components.ingest.split import Side, Split, held_out_rows
from components.io.beat_block import BeatBlock
from components.io.csv import parse_block
from components.io.examples import encode_examples
from components.io.provenance import NO_LABEL, Origin, OriginReader
from components.io.rejects import COLUMNS_WRONG, NOT_A_NUMBER
from components.io.shards import Shard, read_lines
from components.io.storage import storage_at, write_whole
from components.io.text import Block
from components.io.tfrecord import write_records

QUOTED_REJECTS: Final = 5
"""Rejects of a shard that its record quotes; all are in its rejects file."""

QUOTED_TEXT: Final = 80
"""Characters of a rejected line that are quoted."""

REFUSED: Final = "refused"
"""Key of what stands in the place of a record if the shard could not be done."""

ERRORS: Final = {kind.__name__: kind for kind in (HeartbeatError, DataRefused, EnvironmentRefused)}


@dataclass(frozen=True)
class ShardJob:
    """One shard's work.

    Attributes:
        shard: the rows.
        into: the side they are on.
        name: of the shard among those of its side, as in `00000-of-00002`.
        provenance: the provenance file that fits the shard's file; None without one.
        settings: which say how many of the train file's rows are held out for validation, and the seed.
        held_out: records to hold out whole; None where single rows are chosen instead.
        examples_uri: folder of the examples.
        report_uri: folder of the ingest report.
    """

    shard: Shard
    into: Side
    name: str
    provenance: str | None
    settings: DataSettings
    held_out: frozenset[str] | None
    examples_uri: str
    report_uri: str

    @property
    def examples(self) -> dict[Split, str]:
        """Split -> TFRecord file to write."""
        splits: tuple[Split, ...] = ("train", "eval") if self.into == "train" else ("test",)
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
        reasons: kind of reject -> lines.
        first_rejects: (row, reason, beginning of the text) of the first few.
        cut: whether its last line has neither a newline nor all its values.
        sha256: of its text (decompressed), hex.
        mislabelled: rows whose label differs from their provenance's.
        first_mislabelled: sentence about the first of them, None without any.
    """

    classes: dict[Split, list[int]]
    reasons: dict[str, int] = field(default_factory=dict)
    first_rejects: list[tuple[int, str, str]] = field(default_factory=list)
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

    def count_rejects(self, lines: Block, beats: BeatBlock) -> None:
        """Count the rejects of the next block."""
        for reject in beats.rejects:
            self.reasons[reject.kind] = self.reasons.get(reject.kind, 0) + 1
        quoted = beats.rejects[: QUOTED_REJECTS - len(self.first_rejects)]
        self.first_rejects += [(each.row, each.reason, (each.text or "")[:QUOTED_TEXT]) for each in quoted]
        last = beats.rejects[-1] if beats.rejects else None
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
    shard = job.shard
    record = ShardRecord({split: [0] * len(CLASSES) for split in job.examples})
    digest = hashlib.sha256()
    origins = None if job.provenance is None else OriginReader(job.provenance)
    with ExitStack() as stack:
        outputs = {split: stack.enter_context(storage_at(path).create()) for split, path in job.examples.items()}
        rejects = stack.enter_context(storage_at(job.rejects).create())
        for lines in read_lines(shard, on_text=digest.update):
            block = parse_block(lines)
            origin = None if origins is None else origins.take(block.rows)
            rejects.write("".join(reject.to_json(shard.file) for reject in block.rejects).encode())
            for split, beats in _divide(job, block, origin).items():
                write_records(outputs[split], encode_examples(beats))
                counts = np.bincount(beats.label, minlength=len(CLASSES))
                record.classes[split] = (counts + record.classes[split]).tolist()
            record.count_rejects(lines, block)
            if origin is not None:
                record.count_mislabelled(block, origin)
    record.sha256 = digest.hexdigest()
    write_whole(job.record, record.to_json())


def _divide(job: ShardJob, block: BeatBlock, origin: Origin | None) -> dict[Split, Beats]:
    """Divide a block's beats among the splits of its side."""
    assert block.label is not None, "the parser was asked for labels"
    beats = Beats(block.signal, block.label, None if origin is None else tuple(origin.record))
    if job.into == "test":
        return {"test": beats}
    if job.held_out is None or origin is None:
        held_out = held_out_rows(block.signal, job.settings.eval_share, job.settings.seed)
    else:
        held_out = np.isin(origin.record.astype(str), list(job.held_out))
    return {"train": beats.take(np.flatnonzero(~held_out)), "eval": beats.take(np.flatnonzero(held_out))}
