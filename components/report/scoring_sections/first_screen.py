"""The first screen: what was scored, did it work, what came out, what to look at next."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from components.errors import HeartbeatError
from components.report.content import Card
from components.report.material import ScoringMaterial
from components.report.scoring import share_change, signal_divergence
from components.report.sections.first_screen import short
from components.report.wording import count, number, percent, seconds
from components.validate.settings import ValidateSettings

REASONS = 2
"""Sentences that a card shows."""


def cards(material: ScoringMaterial) -> Sequence[Card]:
    """Answer the four questions."""
    return [_what(material), _worked(material), _came_out(material), _next(material)]


def _what(material: ScoringMaterial) -> Card:
    rows, files = material.summary["rows"], material.summary["files"]
    lines = [
        f"{_counted(len(files), 'input file')}, {_counted(len(material.shards), 'shard')}.",
        f"Model {material.job.fingerprint.model[:12]}{_version(material.job.model_version)}.",
    ]
    return Card("What was scored", f"{count(rows['read'])} rows", lines)


def _version(number: int | None) -> str:
    return "" if number is None else f", version {number}"


def _worked(material: ScoringMaterial) -> Card:
    summary, links = material.summary, [("outcome", "The account")]
    rows = f"{count(summary['rows']['scored'])} scored, {count(summary['rows']['rejected'])} rejected."
    if not material.finished:
        done = f"{count(len(material.records))} of {count(len(material.shards))} shards are done."
        return Card(
            "Did it work?",
            "Not finished",
            [done, rows, "The same command with `--resume` goes on with it."],
            "warn",
            links,
        )
    if summary["status"] != "done":
        lines = [rows, *(short(sentence) for sentence in summary["sentences"][:REASONS])]
        return Card("Did it work?", "No: incomplete", lines, "bad", links)
    lines = [rows, "Every row read is scored or rejected."]
    if summary["rows_per_second"]:
        rate = count(round(summary["rows_per_second"]))
        lines.append(f"{seconds(summary['seconds'])} in all, start-up included: {rate} rows/s.")
    return Card("Did it work?", "Yes: done", lines, "good", links)


def _came_out(material: ScoringMaterial) -> Card:
    classes, scored = material.summary["classes"], material.summary["rows"]["scored"]
    if not scored:
        return Card("What came out", "No row was scored", [])
    most = max(classes, key=classes.__getitem__)
    lines = [", ".join(f"{name} {percent(number / scored)}" for name, number in classes.items() if name != most) + "."]
    confusion = material.summary["confusion"]
    if confusion is not None:
        right = sum(confusion[at][at] for at in range(len(confusion)))
        lines.append(f"{percent(right / scored)} agree with the inputs' own labels.")
    if material.summary["rows"]["abstained"]:
        lines.append(f"It abstains from {count(material.summary['rows']['abstained'])} rows.")
    return Card(
        "What came out", f"{most} {percent(classes[most] / scored)}", lines, links=[("classes", "Beside training")]
    )


def _next(material: ScoringMaterial) -> Card:
    question = "What to look at next"
    rejects = Card(
        question, "The rejected rows", [], links=[("rejects", "Reasons and examples"), ("drift", "Drift of the signal")]
    )
    if material.summary["rows"]["rejected"] and material.finished and material.summary["status"] != "done":
        return rejects
    far = _far_from_training(material)
    if far:
        links = [("drift", "Drift of the signal"), ("classes", "Classes, beside training")]
        return Card(question, "Not like training", far, "warn", links)
    if material.summary["rows"]["rejected"]:
        return rejects
    if not material.finished:
        return Card(question, "The shards", [], links=[("shards", "Which are done"), ("scores", "How sure it was")])
    links = [("drift", "Drift of the signal"), ("scores", "How sure it was")]
    return Card(question, "Is it like training?", [], links=links)


def _counted(many: int, thing: str) -> str:
    return f"{count(many)} {thing}{'' if many == 1 else 's'}"


def _far_from_training(material: ScoringMaterial) -> list[str]:
    """A sentence for each of signal and classes that left what a training's data gate allows."""
    if not material.summary["rows"]["scored"]:
        return []
    told, limits = [], ValidateSettings()
    with suppress(HeartbeatError):  # a model without files beside it has nothing to compare with
        apart, change = signal_divergence(material), share_change(material)
        if apart > limits.signal_drift:
            told.append(f"The samples drifted: divergence {number(apart)}, limit {limits.signal_drift:g}.")
        if change > limits.label_drift:
            told.append(f"A class's share changed by {number(change)}, limit {limits.label_drift:g}.")
    if told:
        told.append("The model may be wrong more often than its test figures say.")
    return told
