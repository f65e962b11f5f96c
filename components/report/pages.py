"""The page of a run and of a scoring job: its sections in a reader's order, and its HTML."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from components.errors import EnvironmentRefused, HeartbeatError
from components.io.storage import write_whole
from components.report.attention import attention
from components.report.checks import statistics
from components.report.classes import class_rates, mistakes
from components.report.content import Block, Bullets, Link, Page, Section, Words
from components.report.data import beats, data
from components.report.findings import classes as beat_classes
from components.report.findings import recording_cards, recording_warnings, runs, unread
from components.report.first_screen import (
    run_cards,
    run_marks,
    run_warnings,
    scoring_cards,
    scoring_marks,
    scoring_warnings,
)
from components.report.hours import rhythm
from components.report.material import (
    REPORT_DIR,
    NotReachedError,
    RunMaterial,
    ScoringMaterial,
    load_run,
    load_scoring,
)
from components.report.outcome import outcome, run_origin, stages, study_notes
from components.report.recording import RecordingMaterial, find_line, load_recording
from components.report.recordings import Column, orders, recordings
from components.report.results import records, results
from components.report.rows import files, scored_files, scoring_rejects, shards
from components.report.scoring import confidence, drift, predicted_classes, scoring_origin
from components.report.strips import extremes, strips
from components.report.training import training, tuning
from components.report.trust import calibration, coverage, noise

if TYPE_CHECKING:
    from markupsafe import Markup

Material = TypeVar("Material")

Make = tuple[str, str, Callable[[Material], Sequence[Block]]]
"""A section's anchor, its heading, and the function that makes its blocks."""

RUN_SECTIONS: Sequence[Make[RunMaterial]] = (
    ("outcome", "How the run ended", outcome),
    ("results", "How good the models are", results),
    ("classes", "Class by class", class_rates),
    ("records", "Record by record", records),
    ("mistakes", "Surest mistakes", mistakes),
    ("calibration", "Can its probabilities be trusted?", calibration),
    ("coverage", "Answering only where it is sure", coverage),
    ("noise", "What noise costs", noise),
    ("attention", "What the network looked at", attention),
    ("training", "How the models learnt", training),
    ("tuning", "What the Tuner tried", tuning),
    ("beats", "The beats", beats),
    ("data", "Classes, as recorded and balanced", data),
    ("statistics", "Statistics, schema, anomalies", statistics),
    ("files", "Files and rejected rows", files),
    ("stages", "Stages", stages),
    ("origin", "Digests, versions, settings", run_origin),
    ("about", "Comparing with the study", study_notes),
)

RECORDING_SECTIONS: Sequence[Make[RecordingMaterial]] = (
    ("rhythm", "Heart rate and ectopic beats over time", rhythm),
    ("runs", "Runs and couplets", runs),
    ("extremes", "Longest and fastest: runs, intervals", extremes),
    ("classes", "Beats by class", beat_classes),
    ("strips", "Surest and least sure beats", strips),
    ("unread", "What was not read, and why", unread),
)
"""Sections of one recording's page; a refused one has only the last."""

FIRST: Mapping[str, Sequence[str]] = {"data_refused": ("outcome", "files", "statistics")}
"""Sections that come first for a run of this status."""

SCORING_SECTIONS: Sequence[Make[ScoringMaterial]] = (
    ("outcome", "Every row accounted for", scored_files),
    ("rejects", "Rejected rows", scoring_rejects),
    ("classes", "Classes, compared with training", predicted_classes),
    ("scores", "How sure the model was", confidence),
    ("drift", "Drift of the signal", drift),
    ("shards", "Shards and speed", shards),
    ("origin", "Model, inputs, settings", scoring_origin),
)

RECORDINGS_SECTIONS: Sequence[Make[ScoringMaterial]] = (("recordings", "Recordings", recordings), *SCORING_SECTIONS)
"""Sections of a job of recordings."""

REPORT: Final = Path(REPORT_DIR, "index.html")
"""Where the page is in the folder of a run or of a scoring job."""

log = logging.getLogger("heartbeat.report")


def write_run_report(run_folder: Path) -> Path:
    """Write the page of a run, `ROOT/runs/<run id>`, and return its path, however the run ended.

    A section that cannot be made says so in the page, with the reason.

    Raises:
        HeartbeatError: the folder is not that of a run, or the page cannot be written.
    """
    file = run_folder / REPORT
    html = _render(run_page, load_run(run_folder), str(run_folder))
    try:
        write_whole(file, html)
    except EnvironmentRefused as error:
        raise EnvironmentRefused(f"{error} Then run `heartbeat report` on the run.") from error
    return file


def run_page(material: RunMaterial) -> Page:
    """Make the page of a run."""
    first = FIRST.get(material.summary["status"], ())
    return Page(
        title=f"Heartbeat run {material.summary['run']}",
        subtitle=f"Profile {material.settings['profile']}, {material.folder}",
        marks=run_marks(material),
        warnings=run_warnings(material),
        cards=run_cards(material),
        sections=_make_sections(material, sorted(RUN_SECTIONS, key=lambda section: section[0] not in first)),
    )


def write_scoring_report(directory: str, tell: Callable[[str], object] = lambda sentence: None) -> str:
    """Write the page of a scoring job, a directory or its URI, and return where the page is.

    A job of recordings also gets a page for each order of their table. `tell` is called with damaged files.

    Raises:
        UsageError: there is no scoring job.
        HeartbeatError: a page cannot be made or written.
    """
    material = load_scoring(directory)
    for sentence in material.damage:
        tell(sentence)
    material.folder.write(REPORT.as_posix(), _render(scoring_page, material, directory))
    for order in orders(material) if material.recordings else []:
        by_order = _render(partial(recordings_page, order=order), material, directory)
        material.folder.write(REPORT.with_name(order.page).as_posix(), by_order)
    return material.folder.path(REPORT.as_posix())


def write_recording_reports(
    directory: str, names: Sequence[str], tell: Callable[[str], object] = lambda sentence: None
) -> list[str]:
    """Write the pages of some recordings of a scoring job and, as it leads to them, the job's; return where they are.

    Raises:
        UsageError: there is no scoring job of recordings, or no recording of a name, or several.
        HeartbeatError: a page cannot be made or written.
    """
    job = load_scoring(directory)
    made = []
    for line in [find_line(job, directory, name) for name in names]:
        page = f"{REPORT_DIR}/{job.page_of(line)}"
        job.folder.write(page, _render(recording_page, load_recording(job, line), directory))
        made.append(job.folder.path(page))
    write_scoring_report(directory, tell)
    return made


def recording_page(material: RecordingMaterial) -> Page:
    """Make the page of one recording."""
    line = material.line
    return Page(
        title=f"Recording {line.record}",
        subtitle=line.file,
        marks=scoring_marks(material.job),
        warnings=[*scoring_warnings(material.job), *recording_warnings(material)],
        cards=recording_cards(material),
        sections=_make_sections(material, RECORDING_SECTIONS if line.refused is None else RECORDING_SECTIONS[-1:]),
        up=Link(f"All recordings of the scoring job {material.job.job.fingerprint.digest}", f"../{REPORT.name}"),
    )


def scoring_page(material: ScoringMaterial) -> Page:
    """Make the page of a scoring job."""
    return Page(
        title=f"Heartbeat scoring job {material.job.fingerprint.digest}",
        subtitle=material.folder.root,
        marks=scoring_marks(material),
        warnings=scoring_warnings(material),
        cards=scoring_cards(material),
        sections=_make_sections(material, RECORDINGS_SECTIONS if material.recordings else SCORING_SECTIONS),
    )


def recordings_page(material: ScoringMaterial, order: Column) -> Page:
    """Make the page of a job's recordings in an order."""
    return Page(
        title=f"Recordings by {order.head}",
        subtitle=material.folder.root,
        marks=scoring_marks(material),
        warnings=scoring_warnings(material),
        cards=[],
        sections=[Section("recordings", "Recordings", recordings(material, order))],
        up=Link(f"All of the scoring job {material.job.fingerprint.digest}", REPORT.name),
    )


def _make_sections(material: Material, makes: Sequence[Make[Material]]) -> list[Section]:
    """Make each section; one that fails says why, and those whose stage was not reached are listed last."""
    sections, missing = [], []
    for name, title, make in makes:
        try:
            sections.append(Section(name, title, make(material)))
        except NotReachedError as error:
            missing.append(f"{title}: {error}")
        except Exception as error:
            log.exception("section %s", name)
            reason = str(error) if isinstance(error, HeartbeatError) else f"{type(error).__name__}: {error}"
            sections.append(Section(name, title, [Words(f"This section could not be made. {reason}", "warn")]))
    if missing:
        sections.append(Section("not-reached", "Missing sections", [Bullets(missing)]))
    return sections


def _render(make: Callable[[Material], Page], material: Material, folder: str) -> bytes:
    """Make a page and render it.

    Raises:
        HeartbeatError: the folder's files are too damaged for a page.
    """
    try:
        return html_of(make(material)).encode()
    except Exception as error:
        log.exception("the page of %s", folder)
        raise HeartbeatError(
            f"The report of {folder} could not be made: {type(error).__name__}: {error}. Nothing else is affected."
        ) from error


def html_of(page: Page) -> str:
    """Render a page as one HTML document that needs no other file; everything that comes from files is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("components.report", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_keep_percent_signs,
    )
    environment.filters |= {"worded": _marked_up, "kind": lambda block: type(block).__name__}
    return environment.get_template("page.html.j2").render(page=page)


def _marked_up(text: str) -> Markup:
    """Return a sentence as HTML, with text between backticks set as code."""
    from markupsafe import Markup, escape

    parts = [str(_keep_percent_signs(str(escape(part)))) for part in text.split("`")]
    if len(parts) % 2 == 0:  # the last backtick is not closed, so it is not a mark
        parts[-2:] = ["`".join(parts[-2:])]
    return Markup("".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts)))


def _keep_percent_signs(value: object) -> object:
    """Keep a percent sign on the line of its number; pictures and existing HTML stay unchanged."""
    if isinstance(value, str) and not hasattr(value, "__html__") and not value.startswith("data:"):
        return value.replace(" %", "\N{NO-BREAK SPACE}%")
    return value
