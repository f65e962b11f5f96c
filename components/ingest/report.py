"""What became of every row: the record of a shard, of a file, and the summary that IngestReport holds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from components.errors import DataRefused, EnvironmentRefused, HeartbeatError
from components.ingest.split import DataSplit
from components.io.storage import read_whole

Side = Literal["train", "test"]
"""Which of the two files a row was in."""

SPLITS: Final = ("train", "eval", "test")
"""Splits of the examples; the first two are cut from the train file."""

REFUSED: Final = "refused"
"""Key of what stands in the place of a record if the shard could not be done."""

ERRORS: Final = {kind.__name__: kind for kind in (HeartbeatError, DataRefused, EnvironmentRefused)}

SUMMARY_FILE: Final = "ingest.json"
REJECTS_FILE: Final = "rejects.jsonl"


@dataclass(frozen=True)
class ShardRecord:
    """What became of one shard's rows.

    Attributes:
        file: path or URI of its file.
        index: its place in the file.
        into: the side its rows are on.
        rows: lines the planner counted.
        classes: split -> beats written, by class.
        rejects: lines rejected.
        reasons: kind of reject -> lines.
        first_rejects: (row, reason, beginning of the text) of the first few.
        cut: whether its last line has neither a newline nor all its values.
        sha256: of its text (decompressed), hex.
        mislabelled: rows whose label differs from their provenance's.
        first_mislabelled: sentence about the first of them, None without any.
    """

    file: str
    index: int
    into: Side
    rows: int
    classes: dict[str, list[int]]
    rejects: int
    reasons: dict[str, int]
    first_rejects: list[tuple[int, str, str]]
    cut: bool
    sha256: str
    mislabelled: int = 0
    first_mislabelled: str | None = None

    @property
    def examples(self) -> int:
        """Beats written."""
        return sum(sum(counts) for counts in self.classes.values())

    def to_json(self) -> str:
        """The record as JSON, read back by `from_json`."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> ShardRecord:
        """Reads what `to_json` wrote.

        Raises:
            HeartbeatError: what `refusal_json` wrote.
        """
        raw = json.loads(text)
        if REFUSED in raw:
            raise ERRORS[raw[REFUSED]](raw["sentences"])
        return cls(**{**raw, "first_rejects": [tuple(each) for each in raw["first_rejects"]]})


def refusal_json(error: HeartbeatError) -> str:
    """What to leave in the place of a record; runners that pass errors on as text would lose its class."""
    return json.dumps({REFUSED: type(error).__name__, "sentences": error.sentences})


@dataclass(frozen=True)
class FileReport:
    """What became of one file's rows.

    Attributes:
        file: path or URI.
        into: the side its rows are on.
        rows: lines.
        examples: beats written.
        rejects: lines rejected; rows = examples + rejects.
        reasons: kind of reject -> lines.
        sentences: what is wrong with the file as a whole or with its first rejects, for people.
        faults: what no budget covers: sentences of a provenance file that does not fit the file.
    """

    file: str
    into: Side
    rows: int
    examples: int
    rejects: int
    reasons: dict[str, int] = field(default_factory=dict)
    sentences: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class IngestSummary:
    """What became of all rows.

    Attributes:
        split: what is known of the relation of train and test file.
        synthetic: whether the beats are made up.
        rows: train, eval, test, rejects -> rows.
        files: one report a file.
        digests: train, test -> SHA-256 of that side's text where it is one shard, else of its shards' digests.
        classes: train, eval, test -> beats by class.
    """

    split: DataSplit
    synthetic: bool
    rows: dict[str, int]
    files: list[FileReport]
    digests: dict[str, str]
    classes: dict[str, list[int]]

    def to_json(self) -> str:
        """The text of `ingest.json`."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> IngestSummary:
        """Reads what `to_json` wrote."""
        raw: dict[str, Any] = json.loads(text)
        return cls(**{**raw, "files": [FileReport(**each) for each in raw["files"]]})


def read_ingest_report(uri: str) -> IngestSummary:
    """Reads the summary of an IngestReport artifact.

    Raises:
        DataRefused: it is not there.
    """
    return IngestSummary.from_json(read_whole(f"{uri}/{SUMMARY_FILE}"))


def added(counts: list[Mapping[str, int]]) -> dict[str, int]:
    """The sum of several counts, largest first."""
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total.most_common())
