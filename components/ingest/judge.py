"""Whether a run may go on with what was ingested; if not, what is wrong with the files, in words."""

from __future__ import annotations

from components.beat import CLASS_NAMES, CLASSES
from components.errors import DataRefused, HeartbeatError
from components.ingest.report import SPLITS, IngestSummary
from components.ingest.settings import DataSettings


def judge_ingest(summary: IngestSummary, settings: DataSettings) -> list[str]:
    """Judges what became of the files.

    Returns:
        Sentences that warn: rows dropped within the budget, classes that train lacks.

    Raises:
        DataRefused: rejects beyond the budget, an empty file or split, or a provenance file that does not fit.
        HeartbeatError: counts do not add up.
    """
    _reconcile(summary)
    rejects = summary.rows["rejects"]
    empty = [split for split in SPLITS if summary.rows[split] == 0]
    unfit = bool(empty) or rejects > settings.reject_budget
    faults = [
        sentence
        for file in summary.files
        for sentence in (*file.faults, *(file.sentences if unfit or file.rows == 0 else ()))
    ]
    if rejects > settings.reject_budget:
        faults.append(
            f"Rejected rows: {rejects:,}, allowed: {settings.reject_budget:,}. Correct the files, or allow them with "
            f"`--set data.reject_budget={rejects}`: they are then dropped."
        )
    else:
        faults += [_about_empty(split, settings) for split in empty]
    if faults:
        raise DataRefused(faults)
    return [*_dropped(summary), *_absent_classes(summary)]


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


def _dropped(summary: IngestSummary) -> list[str]:
    return [f"Dropped: {sentence}" for file in summary.files if file.rejects for sentence in file.sentences]


def _absent_classes(summary: IngestSummary) -> list[str]:
    return [
        f"The train split has no beat of class {symbol} ({name}): a model cannot learn it."
        for symbol, name, count in zip(CLASSES, CLASS_NAMES, summary.classes["train"], strict=True)
        if count == 0
    ]
