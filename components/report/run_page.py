"""The page of a run: a section for each thing that it did, in the order in which a reader asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from components.errors import EnvironmentRefused
from components.io.atomic import atomic_file
from components.report.made import FOOTER, REPORT, Make, made_sections, text_of
from components.report.material import RunMaterial, load_run
from components.report.page import Page
from components.report.patients import about_patients, marks
from components.report.sections.about import about
from components.report.sections.attention import attention
from components.report.sections.class_rates import class_rates
from components.report.sections.data import beats, data
from components.report.sections.files import files
from components.report.sections.first_screen import cards
from components.report.sections.mistakes import mistakes
from components.report.sections.origin import origin
from components.report.sections.outcome import outcome
from components.report.sections.results import results
from components.report.sections.stages import stages
from components.report.sections.statistics import statistics
from components.report.sections.training import training, tuning
from components.report.sections.trust import calibration, coverage, noise
from components.report.wording import SYNTHETIC

SECTIONS: Sequence[Make[RunMaterial]] = (
    ("outcome", "How the run ended", outcome),
    ("results", "How good the models are", results),
    ("classes", "Class by class", class_rates),
    ("mistakes", "Surest mistakes", mistakes),
    ("calibration", "Can its probabilities be trusted?", calibration),
    ("coverage", "Answering only where it is sure", coverage),
    ("noise", "What noise costs", noise),
    ("attention", "What the network looked at", attention),
    ("training", "How the models learnt", training),
    ("tuning", "What the Tuner tried", tuning),
    ("beats", "The beats", beats),
    ("data", "Classes, as they came and balanced", data),
    ("statistics", "Statistics, schema, anomalies", statistics),
    ("files", "Files and rejected rows", files),
    ("stages", "Stages", stages),
    ("origin", "Digests, versions, settings", origin),
    ("about", "Reading this beside the study", about),
)
"""Anchor, heading, and what makes the blocks."""

FIRST: Mapping[str, Sequence[str]] = {"data_refused": ("outcome", "files", "statistics")}
"""Sections that come first where a run ended so: what a reader then looks for."""


def write_report(run_folder: Path) -> Path:
    """Write the page of a run, whatever way it ended, into `report/index.html` of its folder.

    A section that cannot be made says so in the page, with the reason.

    Args:
        run_folder: `ROOT/runs/<run id>`.

    Returns:
        The page's path.

    Raises:
        HeartbeatError: the folder is not that of a run, or the page cannot be written.
    """
    file, material = run_folder / REPORT, load_run(run_folder)
    try:
        file.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise _unwritable(file, error) from error
    text = text_of(lambda: run_page(material), str(run_folder))
    try:
        with atomic_file(file) as opened:
            opened.write(text)
    except OSError as error:
        raise _unwritable(file, error) from error
    return file


def _unwritable(file: Path, error: OSError) -> EnvironmentRefused:
    return EnvironmentRefused(
        f"The report {file} cannot be written ({error.strerror}). Free the place, then run "
        "`heartbeat report` on the run."
    )


def run_page(material: RunMaterial) -> Page:
    """Everything that is on the page of a run."""
    first = FIRST.get(material.summary["status"], ())
    table = sorted(SECTIONS, key=lambda section: section[0] not in first)
    return Page(
        title=f"Heartbeat run {material.summary['run']}",
        subtitle=f"Profile {material.settings['profile']}, {material.folder}",
        marks=marks(material),
        warnings=[*([SYNTHETIC] if material.synthetic else []), *about_patients(material)],
        cards=cards(material),
        sections=made_sections(material, table, "What this run did not come to"),
        footer=FOOTER,
    )
