"""An archive to files of beats: one job per record, then the parts are joined under the final names, all or none."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pydantic import Field

from components.beat import CLASSES, SYMBOL_TO_LABEL
from components.beats.kaggle import VARIANTS_PARQUET
from components.beats.symbols import describe_map, parse_map
from components.beats.synthetic import MARKER
from components.errors import DataRefused, EnvironmentRefused, UsageError, counted, refused_together
from components.io.lock import flocked
from components.io.scratch import made_folder, scratch_folder
from components.io.signals import interrupts_ignored
from components.io.storage import check_name
from components.recordings.annotations import annotation_path
from components.recordings.header import find_records
from components.recordings.lead import Lead, open_lead
from components.recordings.lead_names import NoSignal
from components.recordings.parts import FILES, Form, join_parts
from components.recordings.record import Advance, Recipe, RecordJob, RecordResult, prepare_records
from components.recordings.report import (
    FileCount,
    PrepareReport,
    kaggle_sentences,
    label_sentences,
    polarity_sentence,
)
from components.recordings.splits import Archive, choose_split, is_mitdb
from components.settings import Settings

DESCRIPTION_FILE = "prepare.json"
"""The file that says how the files beside it were made."""

NAMED = 20
"""How many unusable records an error names."""

SKIP_HINT = "Leave such records out with --skip-bad, or this one with --exclude."


class PrepareSettings(Settings):
    """One preparation of an archive."""

    wfdb: tuple[Path, ...] = Field(min_length=1, description="folders of records, records or globs")
    out: Path = Field(description="folder that the files are written to")
    format: Form = Field("csv", description="csv: Kaggle's format, with provenance beside it; parquet: both in one")
    split: str | None = Field(
        None, description="kaggle, patient, patient:fold=K/N, record:FRACTION or none; None is kaggle for MIT-BIH"
    )
    seed: int = Field(0, description="which records a record:FRACTION split draws")
    lead: str = Field("0", description="name or index of the lead; the first is the one that Kaggle's files hold")
    annotator: str = Field("atr", description="extension of the annotation files; atr is PhysioNet's reference")
    map: str | None = Field(None, description="class of each annotation symbol: kaggle, ec57, SYMBOL=CLASS pairs")
    detect: bool = Field(False, description="find the beats in the signal instead of reading annotations")
    variants: bool = Field(False, description="make more rows to train on from those of the training records")
    exclude: tuple[str, ...] = Field((), description="records to leave out")
    skip_bad: bool = Field(False, description="continue without records that cannot be used, and list them")
    workers: int = Field(1, ge=1, description="processes; their number changes no byte of the result")


@dataclass(frozen=True)
class Plan:
    """The plan to prepare archives, from their headers."""

    settings: PrepareSettings
    recipe: Recipe
    leads: Sequence[tuple[Archive, str, Lead]]  # of each record, by its name in its archive, in the order of the files
    notes: list[str]  # remarks for the user
    skipped: list[str]  # why records were left out as unusable


def prepare(settings: PrepareSettings, start: Callable[[int], Advance]) -> PrepareReport:
    """Make the files of archives; `start` takes the number of records and returns the callback for their progress.

    Raises:
        UsageError: the split does not fit, or the folder holds the synthetic demo set or beats in another form.
        DataRefused: the archive holds no record, or an unusable one without skip_bad, or no beat.
        EnvironmentRefused: the folder cannot be written, a file cannot be read, or a worker process died.
    """
    try:
        plan = _plan(settings)
        _refuse_foreign(settings.out, settings.format)
        with (
            made_folder(settings.out),
            _alone_in(settings.out),
            scratch_folder(settings.out, ".prepare-") as scratch,
        ):
            results = _write_parts(plan, scratch, start(len(plan.leads)))
            return _join(plan, results, scratch)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error  # Arrow's own words are for developers
        if error.filename is None or Path(error.filename) == settings.out:
            raise EnvironmentRefused(f"{settings.out} cannot be written: {reason}.") from error
        raise EnvironmentRefused(f"{error.filename} cannot be read or written: {reason}.") from error


@contextmanager
def _alone_in(out: Path) -> Iterator[None]:
    """Lock the folder of the result, or the files of two commands would get mixed; not on file systems without locks.

    Raises:
        EnvironmentRefused: another command writes there.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(flocked(out))
        except BlockingIOError as error:
            raise EnvironmentRefused(
                f"Another process is writing to {out}: wait for it, or give another --out."
            ) from error
        except OSError:
            pass
        yield


def _plan(settings: PrepareSettings) -> Plan:
    """Read all headers before any work begins."""
    archives, missing = _find_archives(settings)
    if settings.detect and settings.split:
        raise UsageError("--detect writes one file of beats without labels, so --split has no meaning with it.")
    split = choose_split("none" if settings.detect else settings.split, archives, settings.seed)
    if not split.records:
        raise UsageError("Every record is excluded; nothing is left to prepare.")
    if settings.map is not None and (settings.detect or split.kind == "kaggle"):
        raise UsageError(
            "--map gives annotated beats their classes; with --detect or --split kaggle it has no meaning."
        )
    if settings.variants and (settings.format != "parquet" or settings.detect or split.kind == "kaggle"):
        raise UsageError(
            "--variants makes rows with other contexts from annotated records: it needs --format parquet, and no split "
            "or one by record or patient."
        )
    labels = SYMBOL_TO_LABEL if split.kind == "kaggle" else parse_map(settings.map)
    annotator = None if settings.detect else settings.annotator
    recipe = Recipe(annotator, labels, split, settings.format, settings.variants)
    leads, silent, skipped = _open_leads(settings, archives, split.records)
    notes = list(split.sentences)
    if missing:
        notes.append(f"Folders that RECORDS lists and that are not there: {', '.join(missing)}.")
    for reason, names in silent.items():
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        notes.append(f"Left out, {counted(len(names), 'record')}: {', '.join(names[:NAMED])}{more}: {reason}")
    if skipped and not settings.skip_bad:
        rest = [f"{counted(len(skipped) - NAMED, 'more record')} cannot be used."] if len(skipped) > NAMED else []
        raise DataRefused([*skipped[:NAMED], *rest, SKIP_HINT])
    if not leads:
        folders = ", ".join(map(str, settings.wfdb))
        raise DataRefused([f"No record of {folders} can be used.", *skipped[:NAMED], *notes])
    return Plan(settings, recipe, leads, notes, skipped)


def _find_archives(settings: PrepareSettings) -> tuple[list[Archive], list[str]]:
    """List the records of every folder; also return missing folders that RECORDS files list."""
    archives: list[Archive] = []
    missing: list[str] = []
    records: dict[Path, dict[str, None]] = {}
    for place in settings.wfdb:
        folder, listed, absent = find_records(place)
        records.setdefault(folder.absolute(), {}).update(dict.fromkeys(listed))
        missing += [f"{folder.resolve().name}/{name}" if len(settings.wfdb) > 1 else name for name in absent]
    for folder, found in records.items():
        archive = Archive(folder, tuple(found), is_mitdb(folder, found), exclude=settings.exclude)
        archives.append(replace(archive, prefix=f"{archive.name}/") if len(records) > 1 else archive)
    names = [archive.name for archive in archives]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"Two folders of --wfdb are called {twice[0]}: rename one, to tell their records apart.")
    known = {name for archive in archives for record in archive.records for name in (record, archive.named(record))}
    if strangers := sorted(set(settings.exclude) - known):
        raise UsageError(f"--exclude names {', '.join(strangers)}, which the archive does not hold.")
    refused_together(check_name, [archive.named(each) for archive in archives for each in archive.kept()])
    return archives, missing


def _open_leads(
    settings: PrepareSettings, archives: Sequence[Archive], names: Sequence[str]
) -> tuple[list[tuple[Archive, str, Lead]], dict[str, list[str]], list[str]]:
    """Return the records with their leads, reason -> records without any ECG, and why others cannot be used."""
    leads: list[tuple[Archive, str, Lead]] = []
    silent: dict[str, list[str]] = {}
    skipped: list[str] = []
    for name in names:
        archive = next(each for each in archives if name.startswith(each.prefix))
        record = name.removeprefix(archive.prefix)
        try:
            lead = open_lead(archive.folder / record, settings.lead)
            if not settings.detect:
                annotation_path(archive.folder / record, settings.annotator)
            leads.append((archive, record, lead))
        except NoSignal as refused:
            silent.setdefault(refused.sentences[0], []).append(name)
        except DataRefused as refused:
            skipped.extend(f"Record {name}: {sentence}" for sentence in refused.sentences)
    return leads, silent, skipped


def _refuse_foreign(out: Path, form: Form) -> None:
    """Refuse a folder whose files would conflict with the new ones."""
    if (out / MARKER).exists():
        raise UsageError(f"{out} holds the synthetic demo set; use another folder for real beats.")
    packed = [f"{rows}.gz" for rows, *_ in FILES["csv"].values()]
    other: Form = "parquet" if form == "csv" else "csv"
    for path in (out / name for name in (*packed, *(rows for rows, *_ in FILES[other].values()))):
        if path.exists():
            raise UsageError(f"{path} would be taken for a part of the result: remove it, or give another --out.")


def _write_parts(plan: Plan, scratch: Path, advance: Advance) -> list[tuple[Path, RecordResult]]:
    """Write the parts of all records; return the paths and the result of each usable record."""
    settings = plan.settings
    jobs = [RecordJob(plan.recipe, *each, scratch / f"{number:06d}") for number, each in enumerate(plan.leads)]
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
    settings, split, results = plan.settings, plan.recipe.split, [result for _, result in parts]
    labelled = not settings.detect
    form, paths = settings.format, [part for part, _ in parts]
    sides = {side: FILES[form][side] for side in plan.recipe.sides}
    sentences = [*plan.notes, *(note for result in results for note in result.notes)]
    if labelled:
        sentences += label_sentences(results, settings.annotator)
    files = []
    for side, (rows_name, *_) in sides.items():
        rows = sum((result.rows[side] for result in results), Counter[int]())
        if not rows:
            raise DataRefused([f"No beat is left for {rows_name}.", *plan.skipped[:NAMED], *sentences])
        as_kaggle = side == "test" and split.kind == "kaggle"
        digest = join_parts(form, paths, side, scratch, labelled=labelled, as_kaggle=as_kaggle)
        if as_kaggle:
            sentences += kaggle_sentences(scratch / rows_name, digest, results, settings.lead)
        classes = tuple(rows[label] for label in range(len(CLASSES))) if labelled else None
        files.append(FileCount(rows_name, rows.total(), classes, digest))
    if labelled and split.kind != "kaggle":
        sentences.append(f"Classes: {describe_map(plan.recipe.labels)}.")
    sentences.append(polarity_sentence(results))
    _describe(plan, results, files, scratch / DESCRIPTION_FILE)
    with interrupts_ignored():
        if "variants" not in sides:
            (settings.out / VARIANTS_PARQUET).unlink(missing_ok=True)
        publish(scratch, settings.out, list(sides.values()), [DESCRIPTION_FILE])
    return PrepareReport(
        files=tuple(files),
        counts_of={result.record: result.counts for result in results},
        sentences=tuple(sentences),
        skipped=tuple(plan.skipped),
    )


def _describe(plan: Plan, results: Sequence[RecordResult], files: Sequence[FileCount], path: Path) -> None:
    """Write how the files were made."""
    settings = plan.settings
    windows = {
        archive.name: "every annotation" if archive.mitdb and not settings.detect else "beat to beat"
        for archive, *_ in plan.leads
    }
    description = {
        "split": "none" if settings.detect else settings.split or "kaggle",
        "seed": settings.seed,
        "annotator": None if settings.detect else settings.annotator,
        "windows": windows if len(windows) > 1 else next(iter(windows.values())),
        "map": None if settings.detect else {symbol: CLASSES[label] for symbol, label in plan.recipe.labels.items()},
        "leads": {result.record: result.sig_name for result in results},
        "skipped": plan.skipped,
        "files": [asdict(file) for file in files],
    }
    path.write_text(json.dumps(description, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def publish(scratch: Path, folder: Path, sides: Sequence[Sequence[str]], others: Sequence[str] = ()) -> None:
    """Move finished files to their final names, after all of them are on the disk.

    The old files of beats are removed first and the new ones come last, so a reader never mixes both.
    `sides` has the names of each file of beats and of those beside it, `others` those of files that belong to all.
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
