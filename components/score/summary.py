"""The end of a job: what all shards left, added up, reconciled with the plan and judged."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np

from components.beat import CLASSES
from components.errors import DataRefused, HeartbeatError, ScoringIncomplete
from components.io.shards import rows_by_file
from components.io.storage import list_files
from components.push.histogram import BINS, histogram_json
from components.score.budget import RejectBudget
from components.score.job import Job
from components.score.record import ShardFailure, ShardRecord

SUMMARY_FILE: Final = "summary.json"
SUCCESS_FILE: Final = "_SUCCESS"

NAMED_SHARDS = 5
"""Failed shards whose sentences are told; more of them mostly fail for one and the same reason."""


@dataclass
class ScoreSummary:
    """What became of a job.

    Attributes:
        status: `done` or `incomplete`.
        exit_code: 0 or 5.
        output: the scoring directory.
        model: digest and place.
        rows: read, scored, rejected, abstained.
        reasons: kind of reject -> rows.
        classes: symbol -> scored rows that were given this class.
        confusion: counts [5][5], rows are the inputs' labels; None where not all inputs have them.
        histogram: samples of the scored beats by value.
        files: one entry for each input: file, rows, scored, rejected.
        shards: planned, done, failed, and done before this run.
        seconds: of this run, from the plan to the end.
        rows_per_second: of what this run did itself; None where there was nothing to do.
        sentences: what stands in the way of success.
    """

    status: str
    exit_code: int
    output: str
    model: dict[str, str]
    rows: dict[str, int]
    reasons: dict[str, int]
    classes: dict[str, int]
    confusion: list[list[int]] | None
    histogram: dict[str, Any]
    files: list[dict[str, Any]]
    shards: dict[str, int]
    seconds: float = 0.0
    rows_per_second: float | None = None
    sentences: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The summary as plain values."""
        return asdict(self)

    def to_json(self) -> str:
        """What summary.json holds."""
        return json.dumps(self.to_dict(), indent=1) + "\n"

    @staticmethod
    def from_json(text: str | bytes) -> ScoreSummary:
        """Read summary.json.

        Raises:
            HeartbeatError: it is not whole.
        """
        try:
            return ScoreSummary(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise HeartbeatError(f"{SUMMARY_FILE} cannot be read: {error}. Remove _SUCCESS, then --resume.") from error


Left = Mapping[str, "ShardRecord | ShardFailure | None"]
"""Stem -> what a shard left."""


def summarise(
    job: Job, left: Left, budget: RejectBudget, output: str, model_place: str, troubles: Sequence[str] = ()
) -> ScoreSummary:
    """Adds up and judges; what it finds against success is in the summary's sentences.

    Args:
        job: as planned.
        left: for every shard of the job.
        budget: of rejects.
        output: the scoring directory.
        model_place: where the model lies.
        troubles: sentences about the job as a whole, by who ran it.
    """
    records = [record for record in left.values() if isinstance(record, ShardRecord)]
    reasons: Counter[str] = Counter()
    for record in records:
        reasons.update(record.reasons)
    rows = {
        "read": sum(record.rows for record in records),
        "scored": sum(record.scored for record in records),
        "rejected": sum(record.rejected for record in records),
        "abstained": sum(record.abstained for record in records),
    }
    counts = np.zeros(len(CLASSES), np.int64)
    histogram = np.zeros(BINS, np.int64)
    for record in records:
        counts += record.classes
        histogram += record.histogram
    files = _files(job, left)
    sentences = [
        *troubles,
        *_failures(left),
        *_unreconciled(files, _unfinished(job, left)),
        *changed_inputs(job),
        *_over_budget(rows, reasons, budget, output),
    ]
    return ScoreSummary(
        status="incomplete" if sentences else "done",
        exit_code=ScoringIncomplete.exit_code if sentences else 0,
        output=output,
        model={"digest": job.fingerprint.model, "place": model_place},
        rows=rows,
        reasons=dict(sorted(reasons.items())),
        classes=dict(zip(CLASSES, counts.tolist(), strict=True)),
        confusion=_confusion(records),
        histogram=histogram_json(histogram),
        files=files,
        shards={"planned": len(job.pieces), "done": len(records), "failed": len(job.pieces) - len(records)},
        sentences=sentences,
    )


def _files(job: Job, left: Left) -> list[dict[str, Any]]:
    counted = rows_by_file(job.pieces)
    files: dict[str, dict[str, Any]] = {
        source.file.path: {"file": source.file.path, "rows": counted[source.file.path], "scored": 0, "rejected": 0}
        for source in job.fingerprint.sources
    }
    for piece in job.pieces:
        record = left[piece.stem]
        if isinstance(record, ShardRecord):
            files[piece.shard.file]["scored"] += record.scored
            files[piece.shard.file]["rejected"] += record.rejected
    return list(files.values())


def _confusion(records: Sequence[ShardRecord]) -> list[list[int]] | None:
    total = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    for record in records:
        if record.scored and record.confusion is None:
            return None
        total += record.confusion or 0
    counts: list[list[int]] = total.tolist()
    return counts if records else None


def _failures(left: Left) -> list[str]:
    failed = [each for each in left.values() if isinstance(each, ShardFailure)]
    sentences = [sentence for each in failed[:NAMED_SHARDS] for sentence in each.sentences]
    if len(failed) > NAMED_SHARDS:
        sentences.append(f"{len(failed) - NAMED_SHARDS:,} more shards failed: see shards/*.json for each.")
    absent = [stem for stem, each in left.items() if each is None]
    if absent:
        sentences.append(f"{len(absent):,} shards were not finished, first {absent[0]}: go on with --resume.")
    return sentences


def _unfinished(job: Job, left: Left) -> set[str]:
    """Files that lack a shard, for which no sentence about their rows is needed as well."""
    return {piece.shard.file for piece in job.pieces if not isinstance(left[piece.stem], ShardRecord)}


def _unreconciled(files: Sequence[Mapping[str, Any]], unfinished: set[str]) -> list[str]:
    return [
        f"{file['file']}: {file['rows']:,} rows were counted, {file['scored']:,} scored and {file['rejected']:,} "
        "rejected, which does not add up."
        for file in files
        if file["file"] not in unfinished and file["rows"] != file["scored"] + file["rejected"]
    ]


def changed_inputs(job: Job) -> list[str]:
    """Sentences about inputs that are no longer what they were when the job began."""
    sentences = []
    for source in job.fingerprint.sources:
        for before in (source.file, source.provenance):
            if before is None:
                continue
            try:
                unchanged = list_files(before.path) == [before]
            except DataRefused:
                unchanged = False
            if not unchanged:
                sentences.append(
                    f"{before.path} changed or went away while the job ran: score it again, with --overwrite, when it "
                    "is at rest."
                )
    return sentences


def _over_budget(rows: Mapping[str, int], reasons: Mapping[str, int], budget: RejectBudget, output: str) -> list[str]:
    allowed = budget.allowed(rows["read"])
    if rows["rejected"] <= allowed:
        return []
    by_kind = ", ".join(f"{kind}: {count:,}" for kind, count in sorted(reasons.items()))
    return [
        f"{rows['rejected']:,} of {rows['read']:,} rows were rejected ({by_kind}), allowed: {allowed:,} "
        f"({budget.text}). {output}/rejects/ holds each with its reason; correct the inputs, or --resume with a "
        "larger --reject-budget."
    ]
