"""The page of a scoring job: rows, rejects, classes, scores, drift, speed."""

from __future__ import annotations

from collections.abc import Sequence

from components.io.folder import write_whole
from components.report.made import FOOTER, REPORT, Make, made_sections, text_of
from components.report.page import Page
from components.report.scoring_material import ScoringMaterial, load_scoring
from components.report.scoring_sections.account import outcome, rejects, shards
from components.report.scoring_sections.findings import classes, drift, scores
from components.report.scoring_sections.first_screen import cards
from components.report.scoring_sections.origin import origin
from components.report.wording import SYNTHETIC, SYNTHETIC_MARK

SECTIONS: Sequence[Make[ScoringMaterial]] = (
    ("outcome", "Every row accounted for", outcome),
    ("rejects", "Rejected rows", rejects),
    ("classes", "Classes, beside training", classes),
    ("scores", "How sure the model was", scores),
    ("drift", "Drift of the signal", drift),
    ("shards", "Shards and speed", shards),
    ("origin", "Model, inputs, settings", origin),
)


def write_scoring_report(place: str) -> str:
    """Write the page of a scoring job into `report/index.html` of its directory.

    Args:
        place: the scoring directory or its URI.

    Returns:
        Where the page is.

    Raises:
        UsageError: there is no scoring job.
        HeartbeatError: the page cannot be made or written.
    """
    material = load_scoring(place)
    write_whole(material.folder, REPORT.as_posix(), text_of(lambda: scoring_page(material), place))
    return f"{material.folder.place}/{REPORT.as_posix()}"


def scoring_page(material: ScoringMaterial) -> Page:
    """Everything that is on the page of a scoring job."""
    return Page(
        title=f"Heartbeat scoring job {material.job.fingerprint.digest}",
        subtitle=material.folder.place,
        marks=[SYNTHETIC_MARK] if material.synthetic else [],
        warnings=[f"{SYNTHETIC} The model was made from such beats."] if material.synthetic else [],
        cards=cards(material),
        sections=made_sections(material, SECTIONS, "What this job did not come to"),
        footer=FOOTER,
    )
