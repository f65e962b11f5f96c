"""A scoring directory such as `heartbeat score` leaves, and a tiny model with its sidecars."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from components.beat import CLASSES
from components.io.artifact_files import SIDECAR_DIR
from components.io.serving import HISTOGRAM, METRICS, STATISTICS
from components.io.shards import SourceShard
from components.io.sources import Source
from components.io.storage import InputFile
from components.push.histogram import count_samples, histogram_json
from components.score.job import Fingerprint, Job, ShardTask
from components.score.model import ModelRef
from components.score.record import ShardRecord, Written
from components.score.settings import ScoreSettings
from tests.evaluate.tiny_model import answers_of, some_beats, template_weights
from tests.recordings.archives import write_archive
from tests.report.made_run import HOSTILE, statistics_of
from tests.score.jobs import run

ROWS = 120
"""Good rows of each input."""

REASON = "sample outside 0..1"
MODEL = "ab" * 32


def make_model(folder: Path, synthetic: bool) -> Path:
    """What lies beside a model that was made from beats like those that are scored."""
    beside, beats = folder / SIDECAR_DIR, some_beats(500)
    beside.mkdir(parents=True)
    (beside / METRICS).write_text(json.dumps({"synthetic": synthetic}))
    (beside / HISTOGRAM).write_text(json.dumps(histogram_json(count_samples([beats.signal]))))
    (beside / STATISTICS).write_bytes(statistics_of(beats).SerializeToString())
    return folder


def make_scoring(
    top: Path, synthetic: bool = True, labelled: bool = True, form: Literal["parquet", "csv"] = "parquet"
) -> Path:
    """Two files of one shard each; the second has two rows that are no beats where rows carry labels."""
    output = top / "out"
    for below in ("parts", "rejects", "shards"):
        (output / below).mkdir(parents=True)
    shards = [planned(index, name, 2 * labelled * index) for index, name in enumerate(("a", "b"))]
    settings = ScoreSettings(format=form, labelled=labelled)
    job = Job(
        Fingerprint(MODEL, settings, tuple(each.source for each in shards)), tuple(shards), str(top / "1700000000")
    )
    (output / "job.json").write_text(job.to_json())
    records = [make_shard(output, task) for task in job.tasks(str(output))]
    summary = added_up(records, job)
    summary["model"] = {"digest": MODEL, "place": str(make_model(top / "1700000000", synthetic))}
    (output / "summary.json").write_text(json.dumps(summary))
    (output / "_SUCCESS").touch()
    return output


def score_recordings(top: Path) -> Path:
    """A finished job of three recordings, of which the last was refused."""
    archive = write_archive(top / "archive", ("p1", "p2", "p3"))
    (archive / "p3.dat").write_bytes(b"short")
    model = ModelRef(str(make_model(top / "1700000000", synthetic=True)), MODEL)
    run(archive, output=top / "out", ref=model, budget="50%", block_rows=1000, shard_bytes=4 << 20)
    return top / "out"


def planned(index: int, name: str, rejected: int) -> SourceShard:
    source = Source(InputFile(f"/data/{name}.csv", 4700 * ROWS, "mtime 1 ns"), "csv")
    return SourceShard(source, index, 0, 0, 4700 * ROWS, 0, ROWS + rejected)


def make_shard(output: Path, task: ShardTask) -> ShardRecord:
    shard, beats = task.shard, some_beats(ROWS, task.shard.input_index)
    told = answers_of(beats.signal, template_weights())
    table = pa.table({"row": range(ROWS), **{f"p_{symbol}": told[:, at] for at, symbol in enumerate(CLASSES)}})
    if task.settings.format == "parquet":
        parquet.write_table(table, output / task.parts_name)
    else:
        csv.write_csv(table, output / task.parts_name)
    rejected = shard.rows - ROWS
    reject = {"file": shard.file, "row": ROWS, "reason": f"column 0 is {HOSTILE}", "text": HOSTILE * 30}
    (output / task.rejects_name).write_text((json.dumps(reject) + "\n") * rejected)
    confusion = np.zeros((len(CLASSES), len(CLASSES)), int)
    np.add.at(confusion, (beats.label, told.argmax(axis=1)), 1)
    record = ShardRecord(
        job=task.job,
        file=shard.file,
        first_row=0,
        rows=shard.rows,
        scored=ROWS,
        rejected=rejected,
        reasons={REASON: rejected} if rejected else {},
        classes=confusion.sum(axis=0).tolist(),
        confusion=confusion.tolist() if task.settings.labelled else None,
        abstained=0,
        histogram=count_samples([beats.signal]).tolist(),
        parts=written(output, task.parts_name),
        rejects=written(output, task.rejects_name),
        others=(),
        recordings=None,
        seconds=0.5,
        computing="made up",
    )
    (output / task.record_name).write_text(record.to_json())
    return record


def written(output: Path, name: str) -> Written:
    content = (output / name).read_bytes()
    return Written(name, len(content), hashlib.sha256(content).hexdigest())


def added_up(records: list[ShardRecord], job: Job) -> dict[str, Any]:
    """What the job's summary says of its shards."""
    files = [
        {"file": each.file, "rows": each.rows, "scored": each.scored, "rejected": each.rejected} for each in records
    ]
    counts = np.sum([each.classes for each in records], axis=0).tolist()
    confusions = [each.confusion for each in records if each.confusion is not None]
    rows = {name: sum(getattr(each, name) for each in records) for name in ("scored", "rejected", "abstained")}
    return {
        "status": "done",
        "exit_code": 0,
        "output": "",
        "rows": {"read": sum(each.rows for each in records), **rows},
        "reasons": {REASON: rows["rejected"]} if rows["rejected"] else {},
        "classes": dict(zip(CLASSES, counts, strict=True)),
        "confusion": np.sum(confusions, axis=0).tolist() if confusions else None,
        "histogram": histogram_json(np.sum([each.histogram for each in records], axis=0)),
        "files": files,
        "shards": {"planned": len(job.shards), "done": len(records), "failed": 0, "done_before": 0},
        "seconds": 1.5,
        "rows_per_second": 160.0,
        "sentences": [],
    }
