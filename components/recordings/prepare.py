"""An archive to files of beats: one job a record, then the parts put together under the final names, all or none."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from pydantic import Field

from components.beat import CLASSES, SYMBOL_TO_LABEL
from components.beats.cut import CutCounts
from components.beats.symbols import describe_map, parse_map
from components.beats.synthetic import MARKER
from components.errors import DataRefused, EnvironmentRefused, UsageError
from components.io.scratch import made_folder, scratch_folder
from components.io.signals import interrupts_ignored
from components.recordings.annotations import annotation_path
from components.recordings.header import list_records
from components.recordings.lead import Lead, NoSignal, open_lead
from components.recordings.parts import FILES, Form, join_in_kaggle_order, join_parts
from components.recordings.record import Advance, RecordJob, RecordResult, prepare_records
from components.recordings.report import (
    FileCount,
    PrepareReport,
    kaggle_sentences,
    label_sentences,
    polarity_sentence,
)
from components.recordings.splits import KaggleSplit, Split, choose_split, is_mitdb
from components.settings import Settings

DESCRIPTION_FILE = "prepare.json"
"""It says how the files beside it were made."""

NAMED = 20
"""How many unusable records are named when the work stops because of them."""

SKIP_HINT = "Leave such records out with --skip-bad, or this one with --exclude."


class PrepareSettings(Settings):
    """One preparation of an archive."""

    wfdb: Path = Field(description="folder of the WFDB records")
    out: Path = Field(description="folder that the files are written to")
    format: Form = Field("csv", description="csv: Kaggle's format, with provenance beside it; parquet: both in one")
    split: str | None = Field(None, description="kaggle, patient, record:FRACTION or none; None is kaggle for MIT-BIH")
    seed: int = Field(0, description="which records a record:FRACTION split draws")
    lead: str = Field("0", description="name or index of the lead; the first is the one that Kaggle's files hold")
    annotator: str = Field("atr", description="extension of the annotation files; atr is PhysioNet's reference")
    map: str | None = Field(None, description="class of each annotation symbol: kaggle, ec57, SYMBOL=CLASS pairs")
    detect: bool = Field(False, description="find the beats in the signal instead of reading annotations")
    exclude: tuple[str, ...] = Field((), description="records to leave out")
    skip_bad: bool = Field(False, description="go on without the records that cannot be used, and list them")
    workers: int = Field(1, ge=1, description="processes; their number changes no byte of the result")


@dataclass(frozen=True)
class Plan:
    """How to prepare an archive, from its headers."""

    settings: PrepareSettings
    split: Split | None  # which beats are for training and which for testing; None for one file
    mitdb: bool
    labels: Mapping[str, int]  # annotation symbol -> class
    leads: Mapping[str, Lead]  # record -> lead, in the order of the files
    notes: list[str]  # remarks for the user
    skipped: list[str]  # why records were left out as unusable


def prepare(settings: PrepareSettings, start: Callable[[int], Advance]) -> PrepareReport:
    """Make the files of an archive; `start` takes the number of records and returns the callback for their progress.

    Raises:
        UsageError: the split does not fit, or the folder holds the synthetic demo set or beats in another form.
        DataRefused: the archive holds no record, or one that cannot be used while skip_bad is off, or no beat.
        EnvironmentRefused: the folder cannot be written, a file cannot be read, or a worker process died.
    """
    try:
        plan = _plan(settings)
        _refuse_foreign(settings.out, settings.format)
        with made_folder(settings.out), scratch_folder(settings.out, ".prepare-") as scratch:
            results = _write_parts(plan, scratch, start(len(plan.leads)))
            return _join(plan, results, scratch)
    except OSError as error:
        reason = error.strerror or error
        if error.filename is None or Path(error.filename) == settings.out:
            raise EnvironmentRefused(f"{settings.out} cannot be written: {reason}.") from error
        raise EnvironmentRefused(f"{error.filename} cannot be read or written: {reason}.") from error


def _plan(settings: PrepareSettings) -> Plan:
    """Read all headers before any work begins."""
    archive, missing = list_records(settings.wfdb)
    if strangers := sorted(set(settings.exclude) - set(archive)):
        raise UsageError(f"--exclude names {', '.join(strangers)}, which the archive does not hold.")
    mitdb = is_mitdb(settings.wfdb, archive)
    if settings.detect and settings.split:
        raise UsageError("--detect writes one file of beats without labels, so --split has no meaning with it.")
    split = None
    if not settings.detect and settings.split != "none":
        split = choose_split(settings.split, archive, settings.exclude, settings.seed, mitdb)
    records = split.records if split else tuple(name for name in archive if name not in settings.exclude)
    if not records:
        raise UsageError("Every record is excluded; nothing is left to prepare.")
    if settings.map is not None and (settings.detect or isinstance(split, KaggleSplit)):
        raise UsageError(
            "--map gives annotated beats their classes; with --detect or --split kaggle it has no meaning."
        )
    labels = SYMBOL_TO_LABEL if isinstance(split, KaggleSplit) else parse_map(settings.map)
    leads, silent, skipped = _open_leads(settings, records)
    notes = list(split.sentences if split else ())
    if missing:
        notes.append(f"Folders that RECORDS lists and that are not there: {', '.join(missing)}.")
    for reason, names in silent.items():
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        notes.append(f"Left out, {len(names)} record(s): {', '.join(names[:NAMED])}{more}: {reason}")
    if skipped and not settings.skip_bad:
        rest = [f"{len(skipped) - NAMED} more records cannot be used."] if len(skipped) > NAMED else []
        raise DataRefused([*skipped[:NAMED], *rest, SKIP_HINT])
    if not leads:
        raise DataRefused([f"No record of {settings.wfdb} can be used.", *skipped[:NAMED], *notes])
    return Plan(settings, split, mitdb, labels, leads, notes, skipped)


def _open_leads(
    settings: PrepareSettings, records: Sequence[str]
) -> tuple[dict[str, Lead], dict[str, list[str]], list[str]]:
    """Return record -> lead, reason -> records without any ECG, and why each other record cannot be used."""
    leads: dict[str, Lead] = {}
    silent: dict[str, list[str]] = {}
    skipped: list[str] = []
    for record in records:
        try:
            lead = open_lead(settings.wfdb / record, settings.lead)
            if not settings.detect:
                annotation_path(settings.wfdb / record, settings.annotator)
            leads[record] = lead
        except NoSignal as refused:
            silent.setdefault(refused.sentences[0], []).append(record)
        except DataRefused as refused:
            skipped.extend(f"Record {record}: {sentence}" for sentence in refused.sentences)
    return leads, silent, skipped


def _refuse_foreign(out: Path, form: Form) -> None:
    """Refuse a folder whose files would not go with what is made."""
    if (out / MARKER).exists():
        raise UsageError(f"{out} holds the synthetic demo set; give real beats a folder of their own.")
    packed = [f"{rows}.gz" for rows, *_ in FILES["csv"].values()]
    other: Form = "parquet" if form == "csv" else "csv"
    for path in (out / name for name in (*packed, *(rows for rows, *_ in FILES[other].values()))):
        if path.exists():
            raise UsageError(f"{path} would be taken for a part of the result: remove it, or give another --out.")


def _write_parts(plan: Plan, scratch: Path, advance: Advance) -> list[tuple[Path, RecordResult]]:
    """Write the parts of all records; return where those of each usable record are, and what became of it."""
    settings = plan.settings
    annotator = None if settings.detect else settings.annotator
    jobs = [
        RecordJob(
            folder=settings.wfdb,
            record=record,
            lead=lead,
            annotator=annotator,
            labels=plan.labels,
            split=plan.split,
            mitdb=plan.mitdb,
            part=scratch / f"{number:06d}",
            form=settings.format,
        )
        for number, (record, lead) in enumerate(plan.leads.items())
    ]
    results = []
    for job, outcome in zip(jobs, prepare_records(jobs, settings.workers, advance), strict=True):
        if isinstance(outcome, RecordResult):
            results.append((job.part, outcome))
        elif settings.skip_bad:
            plan.skipped.extend(outcome.sentences)
        else:
            raise DataRefused([*outcome.sentences, SKIP_HINT])
    return results


def _join(plan: Plan, parts: Sequence[tuple[Path, RecordResult]], scratch: Path) -> PrepareReport:
    """Join the parts of every side, check, publish, and report."""
    settings, results = plan.settings, [result for _, result in parts]
    labelled = not settings.detect
    form, paths = settings.format, [part for part, _ in parts]
    sides = {side: FILES[form][side] for side in (("train", "test") if plan.split else ("beats",))}
    sentences = [*plan.notes, *(note for result in results for note in result.notes)]
    if labelled:
        sentences += label_sentences(results, settings.annotator)
    files = []
    for side, (rows_name, *_) in sides.items():
        rows = sum(result.sides[side].rows for result in results)
        classes = sum((result.sides[side].classes for result in results), np.zeros(len(CLASSES), np.int64))
        if rows == 0:
            raise DataRefused([f"No beat is left for {rows_name}.", *plan.skipped[:NAMED], *sentences])
        if side == "test" and isinstance(plan.split, KaggleSplit):
            digest = join_in_kaggle_order(form, paths, side, scratch)
            sentences += kaggle_sentences(scratch / rows_name, digest, results, settings.lead)
        else:
            digest = join_parts(form, paths, side, scratch, labelled=labelled)
        files.append(FileCount(rows_name, rows, tuple(classes.tolist()) if labelled else None, digest))
    if labelled and not isinstance(plan.split, KaggleSplit):
        sentences.append(f"Classes: {describe_map(plan.labels)}.")
    sentences.append(polarity_sentence(results))
    _describe(plan, results, files, scratch / DESCRIPTION_FILE)
    publish(scratch, settings.out, list(sides.values()), [DESCRIPTION_FILE])
    return PrepareReport(
        files=tuple(files),
        records=len(results),
        counts=sum((result.counts for result in results), CutCounts()),
        unfollowed={result.record: result.counts.unfollowed for result in results if result.counts.unfollowed},
        flat={result.record: result.counts.flat for result in results if result.counts.flat},
        missing={result.record: result.counts.missing for result in results if result.counts.missing},
        sentences=tuple(sentences),
        skipped=tuple(plan.skipped),
    )


def _describe(plan: Plan, results: Sequence[RecordResult], files: Sequence[FileCount], path: Path) -> None:
    """Write how the files were made."""
    settings = plan.settings
    description = {
        "split": "none" if plan.split is None else settings.split or "kaggle",
        "seed": settings.seed,
        "annotator": None if settings.detect else settings.annotator,
        "windows": "every annotation" if plan.mitdb and not settings.detect else "beat to beat",
        "map": None if settings.detect else {symbol: CLASSES[label] for symbol, label in plan.labels.items()},
        "leads": {result.record: result.sig_name for result in results},
        "skipped": plan.skipped,
        "files": [asdict(file) for file in files],
    }
    path.write_text(json.dumps(description, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def publish(scratch: Path, folder: Path, sides: Sequence[Sequence[str]], others: Sequence[str] = ()) -> None:
    """Move finished files to their final names, once all of them are on the disk.

    The old files of beats are removed first and the new ones come last, so a reader of all never has some of both.
    `sides` has the names of each file of beats and of what lies beside it, `others` those of files that go with all.
    """
    rows = [names[0] for names in sides]
    names = [*others, *(name for names in sides for name in names[1:]), *rows]
    for name in names:
        with (scratch / name).open("rb") as file:
            os.fsync(file.fileno())
    with interrupts_ignored():
        for name in reversed(rows):
            (folder / name).unlink(missing_ok=True)
        for name in names:
            (scratch / name).replace(folder / name)
