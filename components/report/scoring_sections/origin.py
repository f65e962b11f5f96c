"""What a scoring job was about: model, inputs, settings."""

from __future__ import annotations

from components.report.content import Block, Table
from components.report.scoring_material import ScoringMaterial
from components.report.wording import count


def origin(material: ScoringMaterial) -> list[Block]:
    """Tabulate the job's fingerprint."""
    print_ = material.job.fingerprint
    told = [
        ["job", print_.digest],
        ["model", print_.model],
        ["model's version", str(material.job.model_version or "none: it was not pushed")],
        ["model's place", material.summary["model"]["place"]],
        *([name, str(value)] for name, value in print_.settings.model_dump().items()),
    ]
    inputs = [
        [
            source.file.path,
            source.kind,
            count(source.file.size),
            source.provenance.path if source.provenance else "none",
        ]
        for source in print_.sources
    ]
    return [
        Table("What the results depend on", ["of", "value"], told, left=(0, 1)),
        Table("Inputs", ["file", "kind", "bytes", "provenance"], inputs, left=(0, 1, 3)),
    ]
