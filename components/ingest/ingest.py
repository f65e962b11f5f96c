"""Ingest as plain functions: one shard of CSV to TFRecords, rejects and a record; and all records to a summary."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, Beats
from components.errors import EnvironmentRefused, HeartbeatError
from components.ingest.report import FileReport, IngestSummary, ShardRecord, Side, added, refusal_json
from components.ingest.split import DataSplit, held_out_rows
from components.io.beat_block import BeatBlock
from components.io.csv import parse_block
from components.io.examples import encode_examples
from components.io.provenance import NO_LABEL, OriginReader
from components.io.rejects import COLUMNS_WRONG, NOT_A_NUMBER, describe_file
from components.io.shards import Shard, read_lines
from components.io.storage import storage_at, write_whole
from components.io.text import Block
from components.io.tfrecord import write_records

QUOTED_REJECTS: Final = 5
"""Rejects of a shard that its record quotes; all are in its rejects file."""

QUOTED_TEXT: Final = 80
"""Characters of a rejected line that are quoted."""


@dataclass(frozen=True)
class Cut:
    """How the train file's rows are divided.

    Attributes:
        share: share of rows held out, 0..1.
        seed: of the hash that chooses.
        records: records to hold out; None where rows are chosen instead.
    """

    share: float
    seed: int
    records: frozenset[str] | None


@dataclass(frozen=True)
class ShardJob:
    """One shard's work.

    Attributes:
        shard: the rows.
        into: the side they are on.
        cut: how the train file's rows are divided.
        provenance: the provenance file that fits the shard's file; None without one.
        examples: split -> path of the TFRecord file to write.
        rejects: path of the rejects file to write.
        record: path of the record to write, last of all.
    """

    shard: Shard
    into: Side
    cut: Cut
    provenance: str | None
    examples: Mapping[str, str]
    rejects: str
    record: str


@dataclass
class _Tally:
    """Counts of a shard, while it is read."""

    classes: dict[str, npt.NDArray[np.int64]]
    reasons: Counter[str] = field(default_factory=Counter)
    rejects: int = 0
    first_rejects: list[tuple[int, str, str]] = field(default_factory=list)
    mislabelled: int = 0
    first_mislabelled: str | None = None
    cut: bool = False


def ingest_shard(job: ShardJob) -> ShardRecord:
    """Reads, parses, divides and writes one shard; its record is written after its data.

    Raises:
        DataRefused: the file is not there, or changed since it was planned.
        EnvironmentRefused: it cannot be read, or an output cannot be written.
        HeartbeatError: rows read differ from rows planned.
    """
    shard = job.shard
    digest = hashlib.sha256()
    origins = None if job.provenance is None else OriginReader(job.provenance)
    tally = _Tally({split: np.zeros(len(CLASSES), np.int64) for split in job.examples})
    with ExitStack() as stack:
        outputs = {split: stack.enter_context(storage_at(path).create()) for split, path in job.examples.items()}
        rejects = stack.enter_context(storage_at(job.rejects).create())
        for block in read_lines(shard, on_text=digest.update):
            parsed = parse_block(block)
            rejects.write("".join(reject.to_json(shard.file) for reject in parsed.rejects).encode())
            records = _records(parsed, origins, tally)
            for split, chosen in _divide(parsed, records, job).items():
                beats = _chosen(parsed, records, chosen)
                write_records(outputs[split], encode_examples(beats))
                tally.classes[split] += np.bincount(beats.label, minlength=len(CLASSES))
            _count(block, parsed, tally)
    record = ShardRecord(
        file=shard.file, index=shard.index, into=job.into, rows=shard.rows,
        classes={split: counts.tolist() for split, counts in tally.classes.items()},
        rejects=tally.rejects, reasons=dict(tally.reasons), first_rejects=tally.first_rejects,
        cut=tally.cut, sha256=digest.hexdigest(),
        mislabelled=tally.mislabelled, first_mislabelled=tally.first_mislabelled,
    )  # fmt: skip
    _reconcile(record)
    write_whole(job.record, record.to_json().encode())
    return record


def attempt_shard(job: ShardJob) -> None:
    """Ingests a shard; one that cannot be done leaves its error where its record would be, for `finish_ingest`.

    Raises:
        HeartbeatError: that error, where not even it can be written.
    """
    try:
        ingest_shard(job)
    except HeartbeatError as error:
        try:
            write_whole(job.record, refusal_json(error).encode())
        except EnvironmentRefused:
            raise error from None


def _reconcile(record: ShardRecord) -> None:
    if record.examples + record.rejects != record.rows:
        raise HeartbeatError(
            f"Rows of {record.file}, shard {record.index}, do not add up: {record.rows:,} planned, {record.examples:,} "
            f"became examples, {record.rejects:,} rejects. The file changed meanwhile, or the program is wrong."
        )


def _records(parsed: BeatBlock, origins: OriginReader | None, tally: _Tally) -> npt.NDArray[np.object_] | None:
    """The record of every parsed beat, noting labels that its provenance contradicts."""
    if origins is None:
        return None
    origin = origins.take(parsed.rows)
    known = origin.label
    wrong = np.flatnonzero(known != parsed.label)
    if len(wrong) and tally.first_mislabelled is None and parsed.label is not None:
        at = wrong[0]
        theirs = "none" if known[at] == NO_LABEL else known[at]
        tally.first_mislabelled = f"row {parsed.rows[at]} has label {parsed.label[at]}, its provenance {theirs}"
    tally.mislabelled += len(wrong)
    return origin.record


def _divide(
    parsed: BeatBlock, records: npt.NDArray[np.object_] | None, job: ShardJob
) -> dict[str, npt.NDArray[np.bool_]]:
    """Split -> which of the parsed beats go there, bool[n]."""
    if job.into == "test":
        return {"test": np.ones(len(parsed.rows), bool)}
    if job.cut.records is None or records is None:
        held_out = held_out_rows(parsed.signal, job.cut.share, job.cut.seed)
    else:
        held_out = np.isin(records.astype(str), list(job.cut.records))
    return {"train": ~held_out, "eval": held_out}


def _chosen(parsed: BeatBlock, records: npt.NDArray[np.object_] | None, chosen: npt.NDArray[np.bool_]) -> Beats:
    assert parsed.label is not None, "the parser was asked for labels"
    return Beats(parsed.signal[chosen], parsed.label[chosen], None if records is None else tuple(records[chosen]))


def _count(block: Block, parsed: BeatBlock, tally: _Tally) -> None:
    tally.rejects += len(parsed.rejects)
    tally.reasons.update(reject.kind for reject in parsed.rejects)
    room = QUOTED_REJECTS - len(tally.first_rejects)
    tally.first_rejects += [(each.row, each.reason, (each.text or "")[:QUOTED_TEXT]) for each in parsed.rejects[:room]]
    last = parsed.rejects[-1] if parsed.rejects else None
    tally.cut = (
        last is not None
        and last.row == block.first_row + block.rows - 1
        and last.kind in (COLUMNS_WRONG, NOT_A_NUMBER)
        and block.data[-1:] != b"\n"
    )


def summarise(
    records: Sequence[ShardRecord],
    planned: Mapping[str, int],
    heads: Mapping[str, bytes],
    faults: Mapping[str, Sequence[str]],
    split: DataSplit,
    synthetic: bool,
) -> IngestSummary:
    """Joins the records of all shards and checks them against the plan.

    Args:
        records: of every shard.
        planned: file -> rows the planner counted in it.
        heads: file -> its first bytes, to tell what it is if it is no CSV of beats.
        faults: file -> sentences that no budget covers, known before it was read.
        split: what is known of the relation of train and test file.
        synthetic: whether the beats are made up.

    Raises:
        HeartbeatError: rows of a file are not its examples and rejects, or a shard has no record.
    """
    ordered = sorted(records, key=lambda record: (list(planned).index(record.file), record.index))
    files = []
    for file, rows in planned.items():
        own = [record for record in ordered if record.file == file]
        examples, rejects = sum(record.examples for record in own), sum(record.rejects for record in own)
        if not own or examples + rejects != rows:
            raise HeartbeatError(
                f"Rows of {file} do not add up: {rows:,} counted, {examples:,} became examples, {rejects:,} rejects."
            )
        reasons = added([record.reasons for record in own])
        first_rejects = [each for record in own for each in record.first_rejects]
        sentences = describe_file(file, rows, reasons, first_rejects, heads[file], own[-1].cut)
        own_faults = [*faults.get(file, ()), *_mislabelled(own)]
        files.append(FileReport(file, own[0].into, rows, examples, rejects, reasons, sentences, own_faults))
    classes = {
        name: np.sum([record.classes.get(name, [0] * len(CLASSES)) for record in ordered], axis=0).tolist()
        for name in ("train", "eval", "test")
    }
    counts = {name: sum(by_class) for name, by_class in classes.items()}
    counts["rejects"] = sum(record.rejects for record in ordered)
    digests = {side: _digest([each.sha256 for each in ordered if each.into == side]) for side in ("train", "test")}
    return IngestSummary(split, synthetic, counts, files, digests, classes)


def _mislabelled(own: Sequence[ShardRecord]) -> list[str]:
    count = sum(record.mislabelled for record in own)
    first = next((record.first_mislabelled for record in own if record.first_mislabelled is not None), None)
    if first is None:
        return []
    return [
        f"{own[0].file} and its provenance file disagree on {count:,} labels: {first}. One of the two is of other data "
        "or in another order: make both anew, or remove the provenance file."
    ]


def _digest(hashes: Sequence[str]) -> str:
    """The digest of a side: its one shard's own, or the digest of its shards' digests."""
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
