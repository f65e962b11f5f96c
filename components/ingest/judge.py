"""Whether a run may go on with what was ingested; if not, what is wrong with the files, in words."""

from __future__ import annotations

from collections.abc import Iterable

from components.beat import CLASS_NAMES, CLASSES
from components.errors import DataRefused, HeartbeatError
from components.ingest.report import SPLITS, IngestSummary
from components.ingest.settings import DataSettings
from components.verdict import Verdict


def judge_ingest(summary: IngestSummary, settings: DataSettings) -> list[Verdict]:
    """Judge what became of the files.

    Returns:
        Rows dropped within the budget, classes that train lacks.

    Raises:
        DataRefused: rejects beyond the budget, an empty file or split, or a provenance file that does not fit.
        HeartbeatError: counts do not add up.
    """
    _reconcile(summary)
    rejects = summary.rows["rejects"]
    empty = [split for split in SPLITS if summary.rows[split] == 0]
    unfit = bool(empty) or rejects > settings.reject_budget
    faults: list[Verdict] = []
    for file in summary.files:
        faults += _refusals("provenance", file.faults)
        faults += _refusals("file", file.sentences if unfit or file.rows == 0 else ())
    if rejects > settings.reject_budget:
        faults += _refusals(
            "rejects",
            [
                f"Rejected rows: {rejects:,}, allowed: {settings.reject_budget:,}. Correct the files, or allow them "
                f"with `--set data.reject_budget={rejects}`: they are then dropped."
            ],
        )
    else:
        faults += _refusals("empty_split", (_about_empty(split, settings) for split in empty))
    if faults:
        raise DataRefused(faults)
    return [*_dropped(summary), *_absent_classes(summary)]


def _refusals(code: str, sentences: Iterable[str]) -> list[Verdict]:
    return [Verdict("refusal", code, sentence) for sentence in sentences]


def _reconcile(summary: IngestSummary) -> None:
    into = {
        "train": summary.rows["train"] + summary.rows["eval"],
        "test": summary.rows["test"],
    }
    for side, written in into.items():
        files = [file for file in summary.files if file.into == side]
        rows, rejects = sum(file.rows for file in files), sum(file.rejects for file in files)
        if rows != written + rejects:
            raise HeartbeatError(
                f"Rows of the {side} files do not add up: {rows:,} read, {written:,} examples, {rejects:,} rejects."
            )


def _about_empty(split: str, settings: DataSettings) -> str:
    if split == "eval":
        return (
            f"No beats are left for validation at data.eval_share={settings.eval_share}: give more beats (or more than "
            "one record), or a larger share."
        )
    return f"The {split} split has no beats."


def _dropped(summary: IngestSummary) -> list[Verdict]:
    return [
        Verdict("remark", "dropped", f"Dropped: {sentence}")
        for file in summary.files
        if file.rejects
        for sentence in file.sentences
    ]


def _absent_classes(summary: IngestSummary) -> list[Verdict]:
    return [
        Verdict(
            "caveat",
            "absent_class",
            f"The train split has no beat of class {symbol} ({name}): a model cannot learn it.",
        )
        for symbol, name, count in zip(CLASSES, CLASS_NAMES, summary.classes["train"], strict=True)
        if count == 0
    ]
