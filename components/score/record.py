"""The result of one shard: the record that it is done, or why it failed, and the counts so far."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, confusion_matrix
from components.io.beat_block import BeatBlock
from components.push.histogram import BINS, count_samples
from components.train.served import Answers


@dataclass(frozen=True)
class Written:
    """A published file: its name in the scoring directory, bytes, SHA-256 in hex."""

    name: str
    bytes: int
    sha256: str


ABSTAINED_SHARE: Final = 0.2
"""A model that abstains from a larger share of beats was not trained on beats like them. `full` abstains from 27 % of
SVDB's, whose people it does not know, and from a few per cent of Kaggle's test split."""


def unlike_training(abstained: int, scored: int) -> str | None:
    """Say that beats are unlike those that the model was trained on, judged by how many it abstains from; else None."""
    if abstained <= ABSTAINED_SHARE * scored:
        return None
    return f"the model abstains from {abstained / scored:.0%} of the beats"


@dataclass
class RecordingTally:
    """Recordings of a shard, and their seconds: of those that could be used, and of these with an ECG."""

    used: int
    unusable: int
    seconds: float
    seconds_read: float
    unlike: int  # of those used: their beats are unlike those of training
    unfollowed: int  # beats rejected because none follows: not a fault of the recording
    refusals: list[str]  # why the first few could not be used
    doubled: int = 0  # annotated beats at the same sample as one that is kept: no rows
    near: int = 0  # beats nearer to the one before than beats of a heart can be


@dataclass(frozen=True)
class ShardRecord:
    """A finished shard; rows = scored + rejected. For recordings a row is a beat or an unusable recording."""

    job: str  # fingerprint of the job that it belongs to
    file: str
    first_row: int  # number of its first row in the file
    rows: int
    scored: int  # rows with a prediction
    rejected: int
    reasons: dict[str, int]  # kind of reject -> rows
    classes: list[int]  # scored rows by predicted class
    confusion: list[list[int]] | None  # counts [5][5], rows are the input's labels; None without labels
    abstained: int  # scored rows that the model abstains from
    histogram: list[int]  # samples of the scored beats by value, 32 equal bins over 0..1
    parts: Written
    rejects: Written
    others: tuple[Written, ...]  # recordings: their lines and annotations
    recordings: RecordingTally | None  # of recordings
    seconds: float  # from reading to writing
    computing: str

    @property
    def written(self) -> tuple[Written, ...]:
        """All files that the shard wrote."""
        return (self.parts, self.rejects, *self.others)

    def to_json(self) -> str:
        """Return the record as JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"


@dataclass(frozen=True)
class ShardFailure:
    """Why a shard could not be done, in sentences; written instead of its record."""

    failed: tuple[str, ...]

    def to_json(self) -> str:
        """Return the failure as JSON."""
        return json.dumps(asdict(self)) + "\n"


Outcome = ShardRecord | ShardFailure | None
"""What a shard left: its record, why it failed, or nothing valid."""


def parse_outcome(text: bytes) -> Outcome:
    """Read what was written as a shard's record; None if it is something else."""
    try:
        fields = json.loads(text)
        if fields.get("failed"):
            return ShardFailure(tuple(fields["failed"]))
        parts, rejects = (Written(**fields.pop(name)) for name in ("parts", "rejects"))
        others = tuple(Written(**other) for other in fields.pop("others"))
        tally = fields.pop("recordings")
        recordings = None if tally is None else RecordingTally(**tally)
        return ShardRecord(**fields, parts=parts, rejects=rejects, others=others, recordings=recordings)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


@dataclass
class Tally:
    """Counts while a shard is being scored."""

    rows: int = 0
    scored: int = 0
    abstained: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    classes: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(CLASSES), np.int64))
    confusion: npt.NDArray[np.int64] | None = None
    histogram: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))

    def add(self, block: BeatBlock, answers: Answers) -> None:
        """Count a block and the answers for its beats."""
        self.rows += block.row_count
        self.scored += len(block.rows)
        self.abstained += int(answers.abstain.sum())
        self.reasons.update(reject.kind for reject in block.rejects)
        self.classes += np.bincount(answers.predicted, minlength=len(CLASSES))
        self.histogram += count_samples([block.signal])
        if block.label is not None:
            counted = confusion_matrix(block.label, answers.predicted)
            self.confusion = counted if self.confusion is None else self.confusion + counted

    def as_fields(self) -> dict[str, Any]:
        """Return the counts under the names of a record's fields."""
        return {
            "rows": self.rows,
            "scored": self.scored,
            "rejected": self.reasons.total(),
            "reasons": dict(sorted(self.reasons.items())),
            "classes": self.classes.tolist(),
            "confusion": None if self.confusion is None else self.confusion.tolist(),
            "abstained": self.abstained,
            "histogram": self.histogram.tolist(),
        }
