"""What a run or scoring job was made from: digests, versions, settings, inputs; how to read a run beside the study."""

from __future__ import annotations

from typing import Any, Final

from components.recordings.inputs import Recording
from components.report.content import Block, Bullets, Folded, Table, Words
from components.report.material import NotReachedError, RunMaterial, ScoringMaterial
from components.report.wording import UNKNOWN, count
from components.score.job import JOB_FILE
from components.settings import flatten

INPUTS: Final = 200
"""Inputs of a scoring job that the table names."""


def run_origin(material: RunMaterial) -> list[Block]:
    """Tabulate digests, versions and settings of a run."""
    try:
        digests = [[f"{side} data", digest] for side, digest in material.ingest.digests.items()]
    except NotReachedError:
        digests = [["data", "not read"]]
    digests.append(["model", material.summary["model"].get("digest") or UNKNOWN])
    settings = [[name, _setting(value)] for name, value in flatten(material.settings)]
    return [
        Table("SHA-256 digests", ["of", "digest"], digests, left=(0, 1)),
        *_versions(material),
        Folded(
            f"All {len(settings)} settings of the run",
            [Table("Settings of the run", ["setting", "value"], settings, left=(0, 1))],
        ),
    ]


def _versions(material: RunMaterial) -> list[Block]:
    versions = material.summary.get("versions")
    if not versions:
        return [Words("This run did not record its versions.")]
    blocks: list[Block] = [
        Table("Versions that the run was made with", ["of", "version"], [*versions.items()], left=(0, 1)),
        Words("The same data, settings and versions on the same kind of machine give the same model."),
    ]
    if any(stage["state"] == "cached" for stage in material.summary["stages"]):
        blocks.append(Words("Stages from the cache were run earlier, perhaps with other versions."))
    return blocks


def _setting(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value) or "none"


def study_notes(material: RunMaterial) -> list[Block]:
    """List what to know when comparing a run with the study."""
    policy = material.settings["train"]["policy"]
    return [
        Bullets(
            [
                "The study validates on its test set and keeps the best epoch there, so its figures are those of a "
                "choice made on the test beats. Here validation beats are cut from the train file.",
                "The study's confusion matrices carry class names in the wrong order. Here every matrix, table and "
                "colour takes its order from one place: N, S, V, F, Q.",
                f"The study balances its classes before training; this run's policy is {policy}.",
                "The study's accuracy under noise is of its training set; here all are of test beats.",
                "Its time axes count samples; here they are in ms, at 120 Hz.",
                "95 % intervals: Wilson's for recall and precision, a bootstrap over beats for the others. They cover "
                "the chance in the test beats, not that of another training or of other patients.",
            ]
        )
    ]


def scoring_origin(material: ScoringMaterial) -> list[Block]:
    """Tabulate the model, the settings and the inputs of a scoring job."""
    fingerprint = material.job.fingerprint
    settings = fingerprint.settings.model_dump(exclude_none=True)
    if material.recordings is not None and "annotator" not in settings:
        del settings["labelled"]  # there are no labels without annotations
    facts = [
        ["job", fingerprint.digest],
        ["model", fingerprint.model],
        ["model's version", str(material.job.model_version or "none: it was not pushed")],
        ["model's location", material.summary["model"]["place"]],
        *([name, str(value)] for name, value in settings.items()),
    ]
    inputs = [
        [each.file.path, "recording", count(each.file.size + sum(file.size for file in each.others)), "none"]
        if isinstance(each, Recording)
        else [each.file.path, each.kind, count(each.file.size), each.provenance.path if each.provenance else "none"]
        for each in fingerprint.inputs[:INPUTS]
    ]
    more = len(fingerprint.inputs) - len(inputs)
    return [
        Table("What the results depend on", ["of", "value"], facts, left=(0, 1)),
        Table("Inputs", ["file", "kind", "bytes", "provenance"], inputs, left=(0, 1, 3)),
        *([Words(f"And {count(more)} more: {JOB_FILE} names them all.")] if more else []),
    ]
