"""What became of every row: `ingest.json`, and whether a run may continue with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from components.beat import CLASS_NAMES, CLASSES
from components.errors import DataRefused
from components.ingest.settings import DataSettings
from components.ingest.split import SIDES, SPLITS, Side, Split, SplitKind
from components.io.rejects import one_based_labels
from components.io.storage import read_whole
from components.verdict import Verdict

SUMMARY_FILE: Final = "ingest.json"
REJECTS_FILE: Final = "rejects.jsonl"

NAMED_STRAYS: Final = 6
"""Ignored files that are named; a folder may hold any number."""

NAMES: Final = [f"{symbol} ({name})" for symbol, name in zip(CLASSES, CLASS_NAMES, strict=True)]


@dataclass(frozen=True)
class FileReport:
    """What became of one file's rows.

    Attributes:
        file: path or URI.
        into: the side its rows are on.
        rows: lines.
        examples: beats written.
        rejects: lines rejected; rows = examples + rejects + left_out.
        left_out: variants of rows that are held out for validation.
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
    left_out: int = 0


@dataclass(frozen=True)
class IngestSummary:
    """What became of all rows.

    Attributes:
        split: how the test file relates to the train file.
        synthetic: whether the beats are made up.
        rows: train, eval, test, rejects -> rows.
        files: one report a file.
        digests: train, test -> SHA-256 of that side's text where it is one shard, else of its shards' digests.
        classes: train, eval, test -> beats by class.
        strays: names of what else is in the data folder, and was left alone.
    """

    split: SplitKind
    synthetic: bool
    rows: dict[str, int]
    files: list[FileReport]
    digests: dict[str, str]
    classes: dict[str, list[int]]
    strays: list[str] = field(default_factory=list)

    def to_json(self) -> str:
        """Return the text of `ingest.json`."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> IngestSummary:
        """Read what `to_json` wrote."""
        content: dict[str, Any] = json.loads(text)
        return cls(**{**content, "files": [FileReport(**each) for each in content["files"]]})


def read_ingest_report(uri: str) -> IngestSummary:
    """Read the summary of an IngestReport artifact.

    Raises:
        DataRefused: it is not there.
    """
    return IngestSummary.from_json(read_whole(f"{uri}/{SUMMARY_FILE}"))


def gate_ingest(summary: IngestSummary, settings: DataSettings) -> list[Verdict]:
    """Decide whether a run may go on with the rows of its files.

    Returns:
        Rows dropped within the budget, labels that seem to count from 1, files left alone, classes that train lacks.

    Raises:
        DataRefused: rejects beyond the budget, an empty file or split, or a provenance file that does not fit.
    """
    rejects = summary.rows["rejects"]
    empty = [split for split in SPLITS if summary.rows[split] == 0]
    unfit = bool(empty) or rejects > settings.reject_budget
    faults: list[Verdict] = []
    for file in summary.files:
        faults += _refusals("provenance", file.faults)
        faults += _refusals("file", file.sentences if unfit or file.rows == 0 else ())
    if rejects > settings.reject_budget:
        sentence = (
            f"Rejected rows: {rejects:,}, allowed: {settings.reject_budget:,}. Correct the files, or allow them with "
            f"`--set data.reject_budget={rejects}`: they are then dropped."
        )
        faults += _refusals("rejects", [sentence])
    else:
        faults += _refusals("empty_split", [_about_empty(split, settings) for split in empty])
    counted_from_1 = _about_labels(summary)
    if faults:
        raise DataRefused([*faults, *counted_from_1])
    dropped = [sentence for file in summary.files if file.rejects for sentence in file.sentences]
    return [
        *(Verdict("remark", "dropped", f"Dropped: {sentence}") for sentence in dropped),
        *counted_from_1,
        *([Verdict("remark", "strays", _about_strays(summary.strays))] if summary.strays else []),
        *(
            Verdict("caveat", "absent_class", f"The train split has no beat of class {name}: a model cannot learn it.")
            for name, count in zip(NAMES, summary.classes["train"], strict=True)
            if count == 0
        ),
    ]


def _refusals(code: str, sentences: Iterable[str]) -> list[Verdict]:
    return [Verdict("refusal", code, sentence) for sentence in sentences]


def _about_labels(summary: IngestSummary) -> list[Verdict]:
    train, held_out, test = (summary.classes[split] for split in SPLITS)
    beats = {"train": [sum(both) for both in zip(train, held_out, strict=True)], "test": test}
    hints = [
        one_based_labels(beats[side], " and ".join(file.file for file in summary.files if file.into == side))
        for side in SIDES
    ]
    return [Verdict("remark", "one_based_labels", hint) for hint in hints if hint is not None]


def _about_strays(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED_STRAYS:,} more" if len(names) > NAMED_STRAYS else ""
    return f"Left alone beside the files of beats: {', '.join(names[:NAMED_STRAYS])}{more}."


def _about_empty(split: Split, settings: DataSettings) -> str:
    if split == "eval":
        return (
            f"No beats are left for validation at data.eval_share={settings.eval_share}: give more beats (or more than "
            "one record), or a larger share."
        )
    return f"The {split} split has no beats."
