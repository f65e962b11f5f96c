"""The end of a job: the shards' records added up, reconciled with the plan and judged."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Final

import numpy as np
from pydantic import ConfigDict, TypeAdapter, ValidationError

from components.beat import CLASSES
from components.beats.cut import NEAREST_SECONDS
from components.errors import DataRefused, ScoringIncomplete, counted
from components.io.rejects import one_based_labels
from components.io.shards import SourceShard, rows_by_file
from components.push.histogram import BINS, histogram_json
from components.score.inputs import changed_files
from components.score.job import Job
from components.score.open_recording import UNFOLLOWED
from components.score.record import Outcome, ShardFailure, ShardRecord, unlike_training
from components.score.recordings import UNUSABLE
from components.score.settings import RejectBudget

SUMMARY_FILE: Final = "summary.json"
SUCCESS_FILE: Final = "_SUCCESS"

COUNTS: Final[Mapping[str, AbstractSet[str]]] = {
    "model": {"digest", "place"},
    "rows": {"read", "scored", "rejected", "abstained"},
    "classes": {*CLASSES},
    "histogram": {"counts"},
    "files": {"file", "rows", "scored", "rejected"},
    "shards": {"planned", "done", "failed", "done_before"},
    "recordings": {"planned", "used", "unusable", "seconds", "seconds_read", "unlike", "unfollowed", "doubled", "near"},
}
"""The counts in every summary, by field."""

NAMED_SHARDS: Final = 5
"""Failed shards whose sentences are shown; more mostly fail for the same reason."""


@dataclass
class ScoreSummary:
    """The outcome of a job."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    status: str  # `done` or `incomplete`
    exit_code: int  # 0 or 5
    output: str
    model: dict[str, str]  # digest, place, and the precision that it was computed in
    rows: dict[str, int]  # read, scored, rejected, abstained
    reasons: dict[str, int]  # kind of reject -> rows
    classes: dict[str, int]  # symbol -> scored rows predicted as this class
    confusion: list[list[int]] | None  # counts [5][5], rows are the inputs' labels; None unless all inputs have them
    histogram: dict[str, Any]  # samples of the scored beats by value
    files: list[dict[str, Any]]  # one entry for each table: file, rows, scored, rejected
    shards: dict[str, int]  # planned, done, failed, and done before this run
    seconds: float = 0.0  # of this run, from the plan to the end
    rows_per_second: float | None = None  # of this run's own work; None if there was none
    sentences: list[str] = field(default_factory=list)  # why the job is not a success
    # what shards were computed with; several if the workers' processors differ, and with them the last
    # digits of probabilities
    computing: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)  # other remarks on the inputs
    # planned, used, unusable, seconds, seconds_read, unlike, unfollowed, doubled, near, see RecordingTally; None for
    # tables
    recordings: dict[str, int | float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain values."""
        return asdict(self)

    def to_json(self) -> str:
        """Return what summary.json holds."""
        return json.dumps(self.to_dict(), indent=1) + "\n"

    @staticmethod
    def from_json(text: bytes, directory: str) -> ScoreSummary:
        """Read the summary.json of a scoring directory.

        Raises:
            DataRefused: it is incomplete.
        """
        try:
            summary = TypeAdapter(ScoreSummary).validate_json(text)
            summary._check_counts()
        except (ValueError, TypeError) as error:
            raise DataRefused(
                f"{directory}/{SUMMARY_FILE} is damaged ({_in_words(error)}): "
                "`heartbeat score --resume` writes it again."
            ) from error
        return summary

    def _check_counts(self) -> None:
        """Raise ValueError or TypeError if counts that every summary has are missing or not numbers."""
        for name, keys in COUNTS.items():
            value = getattr(self, name)
            for part in [value] if isinstance(value, dict) else value or []:
                if lacking := keys - part.keys():
                    raise ValueError(f"{name}: {min(lacking)} is missing")
        bins = self.histogram["counts"]
        shapes = np.shape(bins), np.shape(self.confusion or np.eye(len(CLASSES)))
        if shapes != ((BINS,), (len(CLASSES), len(CLASSES))):
            raise ValueError(f"histogram and confusion: the shapes of their counts are {shapes}")
        sum([*bins, *(file[name] for file in self.files for name in ("rows", "scored", "rejected"))])


def _in_words(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    return ": ".join([*map(str, first["loc"]), first["msg"]])


def add_up(job: Job, outcomes: Mapping[str, Outcome], output: str, model_uri: str) -> ScoreSummary:
    """Add up the outcomes so far, by stem of every shard, to an `incomplete` summary with the sentences of failures."""
    records = [outcome for outcome in outcomes.values() if isinstance(outcome, ShardRecord)]
    reasons = sum((Counter(record.reasons) for record in records), Counter[str]())
    classes = sum((np.array(record.classes) for record in records), np.zeros(len(CLASSES), np.int64))
    histogram = sum((np.array(record.histogram) for record in records), np.zeros(BINS, np.int64))
    confusion = _confusion(records)
    hint = None if confusion is None else one_based_labels([sum(row) for row in confusion], "the input")
    return ScoreSummary(
        status="incomplete",
        exit_code=ScoringIncomplete.exit_code,
        output=output,
        model={
            "digest": job.fingerprint.model,
            "place": model_uri,
            "precision": job.fingerprint.settings.precision,
        },
        rows={
            "read": sum(record.rows for record in records),
            "scored": sum(record.scored for record in records),
            "rejected": sum(record.rejected for record in records),
            "abstained": sum(record.abstained for record in records),
        },
        reasons=dict(sorted(reasons.items())),
        classes=dict(zip(CLASSES, classes.tolist(), strict=True)),
        confusion=confusion,
        histogram=histogram_json(histogram),
        files=_files(job, records),
        shards={"planned": len(job.shards), "done": len(records), "failed": len(job.shards) - len(records)},
        sentences=_failures(outcomes),
        computing=sorted({record.computing for record in records}),
        remarks=[] if hint is None else [hint],
        recordings=_recordings(job, records),
    )


def summarise(
    job: Job,
    outcomes: Mapping[str, Outcome],
    budget: RejectBudget,
    output: str,
    model_uri: str,
    troubles: Sequence[str] = (),
) -> ScoreSummary:
    """Add up, reconcile and judge the end of a job, of which `troubles` are the runner's own sentences."""
    summary = add_up(job, outcomes, output, model_uri)
    summary.sentences = [
        *troubles,
        *summary.sentences,
        *_absences(outcomes),
        *_unreconciled(job, outcomes, summary.files),
        *changed_inputs(job),
        *_over_budget(summary, budget),
    ]
    summary.remarks += [*_unusable(outcomes, summary), *_unlike(summary), *_beats_together(summary)]
    if not summary.sentences:
        summary.status, summary.exit_code = "done", 0
    return summary


def _files(job: Job, records: Sequence[ShardRecord]) -> list[dict[str, Any]]:
    counted = rows_by_file([shard for shard in job.shards if isinstance(shard, SourceShard)])
    files: dict[str, dict[str, Any]] = {
        path: {"file": path, "rows": rows, "scored": 0, "rejected": 0} for path, rows in counted.items()
    }
    for record in records if files else ():
        files[record.file]["scored"] += record.scored
        files[record.file]["rejected"] += record.rejected
    return list(files.values())


def _recordings(job: Job, records: Sequence[ShardRecord]) -> dict[str, int | float] | None:
    planned = [shard for shard in job.shards if not isinstance(shard, SourceShard)]
    if not planned:
        return None
    tallies = [record.recordings for record in records if record.recordings is not None]
    names = ("used", "unusable", "seconds", "seconds_read", "unlike", "unfollowed", "doubled", "near")
    return {
        "planned": sum(len(shard.recordings) for shard in planned),
        **{name: round(sum(getattr(tally, name) for tally in tallies), 3) for name in names},
    }


def _unusable(outcomes: Mapping[str, Outcome], summary: ScoreSummary) -> list[str]:
    """Return remarks about the first recordings that could not be used."""
    tallies = [outcome.recordings for outcome in outcomes.values() if isinstance(outcome, ShardRecord)]
    refusals = [refusal for tally in tallies if tally is not None for refusal in tally.refusals][:NAMED_SHARDS]
    more = int((summary.recordings or {}).get("unusable", 0)) - len(refusals)
    rest = [f"{counted(more, 'more recording')} could not be used: see rejects/ and recordings/."] if more > 0 else []
    return [*(f"Not used: {refusal}" for refusal in refusals), *rest]


def _unlike(summary: ScoreSummary) -> list[str]:
    """Return a remark if beats are unlike those that the model was trained on."""
    rows, recordings = summary.rows, summary.recordings
    worse = "so it will be right less often than its card says."
    if recordings and recordings["unlike"]:
        unlike = recordings["unlike"]
        which = f"{unlike:,.0f} of {recordings['used']:,.0f} recordings {'is' if unlike == 1 else 'are'}"
        return [f"{which} unlike what the model was trained on, {worse} recordings/ says which (`unlike`)."]
    why = None if recordings else unlike_training(rows["abstained"], rows["scored"])
    return [] if why is None else [f"These beats are unlike what the model was trained on: {why}, {worse}"]


def _beats_together(summary: ScoreSummary) -> list[str]:
    """Return remarks if beats lie at one sample, or nearer than beats of a heart can."""
    doubled, near = (int((summary.recordings or {}).get(name, 0)) for name in ("doubled", "near"))
    sentences = []
    if doubled:
        sentences.append(
            f"{counted(doubled, 'annotated beat')} at one sample with another {'is' if doubled == 1 else 'are'} not "
            "scored: the first with a class stands for them. recordings/ says where (`notes`)."
        )
    if near:
        sentences.append(
            f"{counted(near, 'beat')} {'lies' if near == 1 else 'lie'} within {NEAREST_SECONDS} s of the one before, "
            "nearer than a heart beats: were they annotated twice? recordings/ says where (`notes`)."
        )
    return sentences


def _confusion(records: Sequence[ShardRecord]) -> list[list[int]] | None:
    total = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    for record in records:
        if record.scored and record.confusion is None:
            return None
        total += record.confusion or 0
    counts: list[list[int]] = total.tolist()
    return counts if records else None


def _failures(outcomes: Mapping[str, Outcome]) -> list[str]:
    failed = [outcome for outcome in outcomes.values() if isinstance(outcome, ShardFailure)]
    sentences = [sentence for failure in failed[:NAMED_SHARDS] for sentence in failure.failed]
    if len(failed) > NAMED_SHARDS:
        sentences.append(f"{counted(len(failed) - NAMED_SHARDS, 'more shard')} failed: see shards/*.json for each.")
    return sentences


def _absences(outcomes: Mapping[str, Outcome]) -> list[str]:
    absent = [stem for stem, outcome in outcomes.items() if outcome is None]
    return (
        [f"Not finished: {counted(len(absent), 'shard')}, first {absent[0]}. Continue with --resume."] if absent else []
    )


def _unreconciled(job: Job, outcomes: Mapping[str, Outcome], files: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return sentences about files whose counts do not add up although all their shards are done."""
    unfinished = {shard.file for shard in job.shards if not isinstance(outcomes[shard.stem], ShardRecord)}
    return [
        f"{file['file']}: {counted(file['rows'], 'row')} counted, {file['scored']:,} scored and {file['rejected']:,} "
        "rejected, which does not add up."
        for file in files
        if file["file"] not in unfinished and file["rows"] != file["scored"] + file["rejected"]
    ]


def changed_inputs(job: Job) -> list[str]:
    """Return sentences about inputs that are no longer what they were when the job began."""
    return [
        f"{path} changed or went away while the job ran: score it again, with --overwrite, when it is at rest."
        for path in changed_files(job.fingerprint.inputs)
    ]


def _over_budget(summary: ScoreSummary, budget: RejectBudget) -> list[str]:
    """Judge rows or, for recordings, beats and recordings; the reject of a last beat does not count."""
    rows, recordings = summary.rows, summary.recordings
    unusable, unfollowed = (int(recordings[name]) for name in ("unusable", "unfollowed")) if recordings else (0, 0)
    of_beats = summary.reasons.keys() - {UNUSABLE, UNFOLLOWED} if recordings else summary.reasons.keys()
    faults = [("row", rows["rejected"] - unusable - unfollowed, rows["read"] - unusable, of_beats)]
    if recordings:
        faults = [("beat", *faults[0][1:]), ("recording", unusable, int(recordings["planned"]), {UNUSABLE})]
    return [
        f"{rejected:,} of {counted(of, what)} {'was' if rejected == 1 else 'were'} rejected "
        f"({', '.join(f'{kind}: {count:,}' for kind, count in summary.reasons.items() if kind in kinds)}), allowed: "
        f"{budget.allowed(of):,} ({budget.text}). {summary.output}/rejects/ holds each with its reason; correct the "
        "inputs, or --resume with a larger --reject-budget."
        for what, rejected, of, kinds in faults
        if rejected > budget.allowed(of)
    ]
