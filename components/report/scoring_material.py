"""What a scoring job left in its directory, and what lies beside the model that it used."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from components.beat import CLASSES
from components.errors import UsageError
from components.ingest.report import read_whole
from components.io.folder import Folder, folder_at
from components.io.names import HISTOGRAM, METRICS, SIDECAR_DIR, STATISTICS
from components.push.histogram import BINS
from components.score.job import JOB_FILE, Job
from components.score.record import ShardFailure, ShardRecord
from components.score.resume import read_record, tasks_of
from components.score.summary import SUMMARY_FILE


@dataclass(frozen=True)
class ScoringMaterial:
    """A scoring job, finished or not.

    Attributes:
        folder: its directory.
        job: what was planned.
        left: shard's stem -> what it left, None where it was not finished.
        finished: whether the job wrote its summary.
        summary: that, or the same of what its shards so far add up to.
    """

    folder: Folder
    job: Job
    left: Mapping[str, ShardRecord | ShardFailure | None]
    finished: bool
    summary: Mapping[str, Any]

    @property
    def records(self) -> Sequence[tuple[str, ShardRecord]]:
        """Stem and record of each shard that is done."""
        return [(stem, record) for stem, record in self.left.items() if isinstance(record, ShardRecord)]

    @cached_property
    def judgement(self) -> Mapping[str, Any]:
        """What the Judge measured of the model when it was pushed."""
        told: Mapping[str, Any] = json.loads(self._beside_model(METRICS))
        return told

    @property
    def synthetic(self) -> bool:
        """Whether the model was made from simulated beats.

        Source: the judgement beside the model; a model without one is taken as it comes.
        """
        try:
            return bool(self.judgement["synthetic"])
        except (UsageError, KeyError):
            return False

    @cached_property
    def training_counts(self) -> list[int]:
        """Training beats of each class, from the statistics beside the model."""
        from tensorflow_metadata.proto.v0 import statistics_pb2

        parsed = statistics_pb2.DatasetFeatureStatisticsList.FromString(self._beside_model(STATISTICS))
        [label] = [one for one in parsed.datasets[0].features if "label" in (one.name, *one.path.step)]
        found = {bucket.label: round(bucket.sample_count) for bucket in label.string_stats.rank_histogram.buckets}
        return [found.get(str(index), 0) for index in range(len(CLASSES))]

    @cached_property
    def training_histogram(self) -> list[int]:
        """Training samples by value, int[32]."""
        counts: list[int] = json.loads(self._beside_model(HISTOGRAM))["counts"]
        return counts

    def _beside_model(self, name: str) -> bytes:
        place = self.summary["model"]["place"]
        try:
            return read_whole(f"{place}/{SIDECAR_DIR}/{name}")
        except Exception as error:
            raise UsageError(f"The model in {place} has no {name} beside it: {error}") from error


def load_scoring(place: str) -> ScoringMaterial:
    """Read what a scoring job left.

    Args:
        place: its directory or URI.

    Raises:
        UsageError: there is no scoring job.
        EnvironmentRefused: the directory cannot be read.
    """
    folder = folder_at(place)
    planned = folder.read(JOB_FILE)
    if planned is None:
        raise UsageError(f"{place} is not a scoring directory: it holds no {JOB_FILE}.")
    job = Job.from_json(planned, place)
    left = {task.piece.stem: read_record(folder, task) for task in tasks_of(job, place)}
    told = folder.read(SUMMARY_FILE)
    summary = _so_far(job, left) if told is None else json.loads(told)
    return ScoringMaterial(folder, job, left, told is not None, summary)


def _so_far(job: Job, left: Mapping[str, ShardRecord | ShardFailure | None]) -> dict[str, Any]:
    """What `summary.json` would hold, of the shards that are done."""
    records = [record for record in left.values() if isinstance(record, ShardRecord)]
    files = [
        {
            "file": source.file.path,
            "rows": sum(piece.shard.rows for piece in job.pieces if piece.source == source),
            "scored": sum(record.scored for record in records if record.file == source.file.path),
            "rejected": sum(record.rejected for record in records if record.file == source.file.path),
        }
        for source in job.fingerprint.sources
    ]
    reasons = sum((Counter(record.reasons) for record in records), Counter[str]())
    counts = np.sum([record.classes for record in records], axis=0).tolist() if records else [0] * len(CLASSES)
    histogram = np.sum([record.histogram for record in records], axis=0).tolist() if records else [0] * BINS
    confusions = [record.confusion for record in records if record.confusion is not None]
    labelled = bool(records) and len(confusions) == len(records)
    return {
        "status": "incomplete",
        "model": {"digest": job.fingerprint.model, "place": job.model_place},
        "rows": {
            "read": sum(record.rows for record in records),
            "scored": sum(record.scored for record in records),
            "rejected": sum(record.rejected for record in records),
            "abstained": sum(record.abstained for record in records),
        },
        "reasons": dict(reasons),
        "classes": dict(zip(CLASSES, counts, strict=True)),
        "confusion": np.sum(confusions, axis=0).tolist() if labelled else None,
        "histogram": {"counts": histogram},
        "files": files,
        "sentences": [
            sentence for each in left.values() if isinstance(each, ShardFailure) for sentence in each.sentences
        ],
    }
