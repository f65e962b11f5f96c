"""A whole ingest, but for who runs its shards: the jobs from the files, and the report from what the jobs left."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

from components.beats.kaggle import is_kaggle_test
from components.errors import DataRefused
from components.ingest.ingest import Cut, ShardJob, summarise
from components.ingest.locate import TrainTest
from components.ingest.report import (
    REJECTS_FILE,
    SUMMARY_FILE,
    IngestSummary,
    ShardRecord,
    Side,
)
from components.ingest.settings import DataSettings
from components.ingest.split import DataSplit, held_out_records
from components.io.provenance import count_records
from components.io.shards import Shard, plan_text
from components.io.storage import InputFile, read_whole, storage_at, write_whole
from components.io.text import read_head

HEAD_BYTES = 64 << 10
"""First bytes of a file that a diagnosis looks at: a whole line where it is not over-long."""

COUNTING_THREADS = 4
"""Threads of the planner: two cores' worth and some waiting for the file system."""


@dataclass(frozen=True)
class IngestPlan:
    """Everything that is decided before a shard is read.

    Attributes:
        jobs: one per shard.
        rows: file -> rows counted.
        faults: file -> sentences about a provenance file that does not fit.
        split: what is known of the relation of train and test file.
    """

    jobs: tuple[ShardJob, ...]
    rows: dict[str, int]
    faults: dict[str, list[str]]
    split: DataSplit


def plan_ingest(inputs: TrainTest, settings: DataSettings, examples_uri: str, report_uri: str) -> IngestPlan:
    """Counts rows, reads provenance, decides the split and lays out the output files.

    Raises:
        DataRefused: a file cannot be read.
    """
    shards = {
        side: plan_text(files, settings.shard_mib << 20, COUNTING_THREADS)
        for side, files in (("train", inputs.train), ("test", inputs.test))
    }
    rows: dict[str, int] = {}
    for shard in (*shards["train"], *shards["test"]):
        rows[shard.file] = rows.get(shard.file, 0) + shard.rows
    records, faults = _provenance(inputs, rows)
    split = _split(inputs, records)
    train_rows: dict[str, int] = {}
    for file in inputs.train if split == "patient" else ():
        for record, count in records[file.path].items():
            train_rows[record] = train_rows.get(record, 0) + count
    held_out = held_out_records(train_rows, settings.eval_share, settings.seed) if split == "patient" else None
    cut = Cut(settings.eval_share, settings.seed, held_out)
    fitting = {csv: inputs.provenance[csv].path for csv in records}
    jobs = (
        *_jobs("train", ("train", "eval"), shards["train"], cut, fitting, examples_uri, report_uri),
        *_jobs("test", ("test",), shards["test"], cut, fitting, examples_uri, report_uri),
    )
    return IngestPlan(jobs, rows, faults, split)


def _provenance(inputs: TrainTest, rows: dict[str, int]) -> tuple[dict[str, dict[str, int]], dict[str, list[str]]]:
    """CSV -> rows of every record, for the CSVs whose provenance fits; and what is wrong with the others'."""
    records: dict[str, dict[str, int]] = {}
    faults: dict[str, list[str]] = {}
    for csv, file in inputs.provenance.items():
        try:
            records[csv] = count_records(file.path, csv, rows[csv])
        except DataRefused as error:
            faults[csv] = list(error.sentences)
    return records, faults


def _split(inputs: TrainTest, records: dict[str, dict[str, int]]) -> DataSplit:
    if any(is_kaggle_test(file) for file in inputs.test):
        return "kaggle"
    if not all(file.path in records for file in (*inputs.train, *inputs.test)):
        return "unknown"
    trained = {record for file in inputs.train for record in records[file.path]}
    tested = {record for file in inputs.test for record in records[file.path]}
    return "unknown" if trained & tested else "patient"


def _jobs(
    side: Side,
    splits: Sequence[str],
    shards: Sequence[Shard],
    cut: Cut,
    provenance: dict[str, str],
    examples_uri: str,
    report_uri: str,
) -> list[ShardJob]:
    names = [f"{index:05d}-of-{len(shards):05d}" for index in range(len(shards))]
    return [
        ShardJob(
            shard=shard,
            into=side,
            cut=cut,
            provenance=provenance.get(shard.file),
            examples={split: f"{examples_uri}/Split-{split}/data_tfrecord-{name}" for split in splits},
            rejects=f"{report_uri}/shards/{side}-{name}.jsonl",
            record=f"{report_uri}/shards/{side}-{name}.json",
        )
        for shard, name in zip(shards, names, strict=True)
    ]


def finish_ingest(planned: IngestPlan, inputs: TrainTest, report_uri: str) -> IngestSummary:
    """Joins what the jobs left to `ingest.json` and `rejects.jsonl`.

    Raises:
        DataRefused: a shard's record is not there.
        HeartbeatError: rows do not add up.
    """
    records = [ShardRecord.from_json(read_whole(job.record)) for job in planned.jobs]
    heads = {file.path: _head(file) for file in (*inputs.train, *inputs.test)}
    summary = summarise(records, planned.rows, heads, planned.faults, planned.split, inputs.synthetic)
    with storage_at(report_uri).create(REJECTS_FILE) as output:
        for job in planned.jobs:
            with closing(storage_at(job.rejects).open()) as rejects:
                shutil.copyfileobj(rejects, output)
    write_whole(f"{report_uri}/{SUMMARY_FILE}", summary.to_json().encode())
    return summary


def _head(file: InputFile) -> bytes:
    return read_head(file, HEAD_BYTES)


RunJobs = Callable[[Sequence[ShardJob]], None]
"""Runs every job, anywhere, and returns when all are done."""


def ingest(
    inputs: TrainTest, settings: DataSettings, examples_uri: str, report_uri: str, run_jobs: RunJobs
) -> IngestSummary:
    """Ingests a data folder's files: plans, has the jobs run, and reports.

    Raises:
        DataRefused: a file cannot be read.
        HeartbeatError: rows do not add up.
    """
    planned = plan_ingest(inputs, settings, examples_uri, report_uri)
    run_jobs(planned.jobs)
    return finish_ingest(planned, inputs, report_uri)
