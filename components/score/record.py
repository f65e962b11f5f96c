"""What became of one shard: the record that says that it is done, or why it failed; and the counts on the way there."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, confusion_matrix
from components.push.histogram import BINS


@dataclass(frozen=True)
class Written:
    """A published file: its name in the scoring directory, bytes, SHA-256 in hex."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class ShardRecord:
    """A finished shard; rows = scored + rejected."""

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
    seconds: float  # from reading to writing
    computing: str

    def to_json(self) -> str:
        """Return the record as JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @staticmethod
    def from_json(text: str | bytes) -> ShardRecord:
        """Read a record.

        Raises:
            ValueError: this is no record.
        """
        try:
            fields = json.loads(text)
            parts, rejects = (Written(**fields.pop(name)) for name in ("parts", "rejects"))
            return ShardRecord(**fields, parts=parts, rejects=rejects)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"no record of a shard: {error}") from error


@dataclass(frozen=True)
class ShardFailure:
    """A shard that could not be done: its stem, and why, in sentences."""

    stem: str
    sentences: tuple[str, ...]

    def to_json(self) -> str:
        """Return the failure as JSON, which `ShardRecord.from_json` refuses."""
        return json.dumps({"failed": list(self.sentences)}) + "\n"

    @staticmethod
    def from_json(stem: str, text: str | bytes) -> ShardFailure | None:
        """Read a failure; None if this is something else."""
        try:
            fields = json.loads(text)
        except ValueError:
            return None
        sentences = fields.get("failed") if isinstance(fields, dict) else None
        return ShardFailure(stem, tuple(sentences)) if sentences else None


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

    def add_labels(self, label: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64]) -> None:
        """Count pairs of label and prediction, both int64[n]."""
        counted = confusion_matrix(label, predicted)
        self.confusion = counted if self.confusion is None else self.confusion + counted

    def as_fields(self) -> dict[str, Any]:
        """Return the counts by the names that a record has for them."""
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
