"""A whole ingest, whatever runs its shards: jobs from the files, then the report from the jobs' outputs."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from components.beat import CLASSES
from components.beats.context import CONTEXT_FORM
from components.beats.kaggle import is_kaggle_test
from components.errors import DataRefused, HeartbeatError, counted
from components.ingest.locate import TrainTest
from components.ingest.report import REJECTS_FILE, SUMMARY_FILE, FileReport, IngestSummary
from components.ingest.settings import DataSettings
from components.ingest.shard import ShardJob, ShardRecord
from components.ingest.split import SIDES, SPLITS, SplitKind, held_out_records
from components.io.parquet import count_parquet_records
from components.io.provenance import count_records
from components.io.rejects import describe_file
from components.io.shards import plan_sources
from components.io.sources import Source, context_of
from components.io.storage import read_whole, storage_at, write_whole

RunJobs = Callable[[Sequence[ShardJob]], None]
"""Runs every job, anywhere, and returns when all are done."""


@dataclass(frozen=True)
class IngestPlan:
    """Everything that is decided before a shard is read.

    Attributes:
        inputs: the files.
        jobs: one per shard.
        faults: file -> sentences about a provenance file that does not fit.
        split: how the test file relates to the train file.
    """

    inputs: TrainTest
    jobs: tuple[ShardJob, ...]
    faults: dict[str, list[str]]
    split: SplitKind


def ingest(
    inputs: TrainTest, settings: DataSettings, examples_uri: str, report_uri: str, run_jobs: RunJobs
) -> IngestSummary:
    """Ingest a data folder's files: plan, have the jobs run, and report.

    Raises:
        DataRefused: a file cannot be read.
        HeartbeatError: rows do not add up.
    """
    plan = plan_ingest(inputs, settings, examples_uri, report_uri)
    run_jobs(plan.jobs)
    return finish_ingest(plan, report_uri)


def plan_ingest(inputs: TrainTest, settings: DataSettings, examples_uri: str, report_uri: str) -> IngestPlan:
    """Count rows, read provenance, decide the split and name the output files.

    Raises:
        DataRefused: a file cannot be read, or lacks the context that is asked for.
    """
    if settings.context:
        _check_context(inputs)
    else:
        inputs = replace(inputs, variants=())
    shards = {
        side: plan_sources(sources, settings.shard_mib << 20)
        for side, sources in (("train", (*inputs.train, *inputs.variants)), ("test", inputs.test))
    }
    variants = {source.file.path for source in inputs.variants}
    rows: Counter[str] = Counter()
    for shard in chain(*shards.values()):
        rows[shard.file] += shard.rows
    records, faults = _count_records(inputs, rows)
    kind = _kind_of_split(inputs, records)
    held_out = None
    if kind == "patient":
        train_rows: Counter[str] = Counter()
        for source in inputs.train:
            train_rows.update(records[source.file.path])
        held_out = held_out_records(train_rows, settings.eval_share, settings.seed)
    jobs = tuple(
        ShardJob(
            shard=shard,
            into=side,
            name=f"{number:05d}-of-{len(shards[side]):05d}",
            variants=shard.file in variants,
            records_known=shard.file in records or shard.file in variants,
            settings=settings,
            held_out=held_out,
            examples_uri=examples_uri,
            report_uri=report_uri,
        )
        for side in SIDES
        for number, shard in enumerate(shards[side])
    )
    return IngestPlan(inputs, jobs, faults, kind)


def _check_context(inputs: TrainTest) -> None:
    """Refuse files whose beats have no context, or one of another definition than this version computes.

    Raises:
        DataRefused: with a sentence per file.
    """
    forms = {source.file.path: context_of(source) for source in (*inputs.sources, *inputs.variants)}
    faults = [
        f"{path} has no context of its beats"
        if form is None
        else f"{path} has context of {form}, needed is {CONTEXT_FORM}"
        for path, form in forms.items()
        if form != CONTEXT_FORM
    ]
    if faults:
        how = "make it from the recordings: `heartbeat prepare --format parquet`."
        raise DataRefused([f"{fault}: {how}" for fault in faults])


def _count_records(
    inputs: TrainTest, rows: Mapping[str, int]
) -> tuple[dict[str, dict[str, int]], dict[str, list[str]]]:
    """Return file -> rows of every record, where that is known, and what is wrong with the others' provenance."""
    records: dict[str, dict[str, int]] = {}
    faults: dict[str, list[str]] = {}
    for source in inputs.sources:
        path = source.file.path
        if source.kind == "parquet" and (counts := count_parquet_records(source.file)) is not None:
            records[path] = counts
        if source.provenance is not None:
            try:
                records[path] = count_records(source.provenance.path, path, rows[path])
            except DataRefused as error:
                faults[path] = list(error.sentences)
    return records, faults


def _kind_of_split(inputs: TrainTest, records: Mapping[str, Mapping[str, int]]) -> SplitKind:
    if any(is_kaggle_test(source) for source in inputs.test):
        return "kaggle"
    if not all(source.file.path in records for source in inputs.sources):
        return "unknown"
    trained, tested = (
        {record for source in side for record in records[source.file.path]} for side in (inputs.train, inputs.test)
    )
    return "unknown" if trained & tested else "patient"


def finish_ingest(plan: IngestPlan, report_uri: str) -> IngestSummary:
    """Merge the jobs' outputs into `ingest.json` and `rejects.jsonl`.

    Raises:
        DataRefused: a shard's record is not there.
        HeartbeatError: rows do not add up, or a shard could not be done.
    """
    summary = summarise(plan, [ShardRecord.from_json(read_whole(job.record)) for job in plan.jobs])
    with storage_at(report_uri).create(REJECTS_FILE) as output:
        for job in plan.jobs:
            with storage_at(job.rejects).open() as rejects:
                shutil.copyfileobj(rejects, output)
    write_whole(f"{report_uri}/{SUMMARY_FILE}", summary.to_json())
    return summary


def summarise(plan: IngestPlan, records: Sequence[ShardRecord]) -> IngestSummary:
    """Join the records of all jobs, in their order, after checking that each accounts for all rows of its shard.

    Raises:
        HeartbeatError: rows of a shard are not its examples and rejects.
    """
    done = list(zip(plan.jobs, records, strict=True))
    for job, record in done:
        if record.examples + record.rejects + record.left_out != job.shard.rows:
            raise HeartbeatError(
                f"Rows of {job.shard.file}, shard {job.shard.index}, do not add up: {job.shard.rows:,} planned, "
                f"{record.examples:,} became examples, {counted(record.rejects, 'reject')}, "
                f"{record.left_out:,} left out. The file changed meanwhile, or the program is wrong."
            )
    files = [
        _report_file(plan, source, [(job, record) for job, record in done if job.shard.file == source.file.path])
        for source in (*plan.inputs.sources, *plan.inputs.variants)
    ]
    classes: dict[str, list[int]] = {
        split: np.sum([record.classes.get(split, [0] * len(CLASSES)) for record in records], axis=0).tolist()
        for split in SPLITS
    }
    rows = {split: sum(classes[split]) for split in SPLITS} | {"rejects": sum(record.rejects for record in records)}
    digests: dict[str, str] = {
        side: _digest([record.sha256 for job, record in done if job.into == side]) for side in SIDES
    }
    return IngestSummary(plan.split, plan.inputs.synthetic, rows, files, digests, classes, [*plan.inputs.strays])


def _report_file(plan: IngestPlan, source: Source, done: Sequence[tuple[ShardJob, ShardRecord]]) -> FileReport:
    path, records = source.file.path, [record for _, record in done]
    rows = sum(job.shard.rows for job, _ in done)
    counts: Counter[str] = Counter()
    for record in records:
        counts.update(record.reasons)
    reasons = dict(counts.most_common())
    first_rejects = [each for record in records for each in record.first_rejects]
    return FileReport(
        file=path,
        into=done[0][0].into,
        rows=rows,
        examples=sum(record.examples for record in records),
        left_out=sum(record.left_out for record in records),
        rejects=counts.total(),
        reasons=reasons,
        sentences=describe_file(path, rows, reasons, first_rejects, records[-1].cut),
        faults=[*plan.faults.get(path, ()), *_about_labels(path, records)],
    )


def _about_labels(path: str, records: Sequence[ShardRecord]) -> list[str]:
    """Say that a file and its provenance disagree on labels, if they do."""
    first = next((record.first_mislabelled for record in records if record.first_mislabelled is not None), None)
    if first is None:
        return []
    count = sum(record.mislabelled for record in records)
    return [
        f"{path} and its provenance file disagree on {counted(count, 'label')}: {first}. One of the two is of "
        "other data or in another order: make both anew, or remove the provenance file."
    ]


def _digest(hashes: Sequence[str]) -> str:
    """Return the digest of a side: its one shard's own, or the digest of its shards' digests."""
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
