"""The first screen: what was run, did it work, how good is the model, what to look at next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from components.report.content import Card, Tone
from components.report.material import NotReachedError, RunMaterial
from components.report.wording import SPLIT_WORDS, class_title, count, number, percent, seconds, state_of
from components.verdict import SYNTHETIC_MARK, of_kind

ENDINGS: dict[str, tuple[str, Tone]] = {
    "done": ("Yes: done", "good"),
    "data_refused": ("No: data refused", "bad"),
    "model_refused": ("No: model refused", "bad"),
    "failed": ("No: failed", "bad"),
    "interrupted": ("Interrupted", "warn"),
}

TOLD = 150
"""Characters of a sentence that a card shows."""

REASONS = 2
"""Reasons that a card shows; the rest is in the section below."""


def cards(material: RunMaterial) -> Sequence[Card]:
    """Answer the four questions."""
    return [_what(material), _worked(material), _good(material), _next(material)]


def _what(material: RunMaterial) -> Card:
    summary, rows = material.summary, material.summary["data"].get("rows")
    data = f"{SYNTHETIC_MARK} beats" if material.synthetic else "Real beats"
    lines = [f"Profile {material.settings['profile']}, {began(summary['run'])}."]
    if rows:
        told = ", ".join(f"{count(rows[split])} {split}" for split in ("train", "eval", "test"))
        lines.append(f"{told}; {count(rows['rejects'])} rejected.")
    if material.split:
        lines.append(f"{SPLIT_WORDS[material.split].capitalize()}.")
    states = [state_of(stage, summary["status"]) for stage in summary["stages"]]
    took = seconds(sum(stage["seconds"] for stage in summary["stages"]))
    parts = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    lines.append(f"Stages: {', '.join(parts)}, in {took}.")
    return Card("What was run", data, lines)


def began(run: str) -> str:
    """When a run began, from its id; the id itself where it is not a time, as on Kubeflow."""
    try:
        return datetime.strptime(run[:15], "%Y%m%dT%H%M%S").strftime("begun %Y-%m-%d %H:%M UTC")
    except ValueError:
        return f"run {run}"


def _worked(material: RunMaterial) -> Card:
    summary = material.summary
    answer, tone = ENDINGS[summary["status"]]
    lines = []
    failed = [stage["name"] for stage in summary["stages"] if stage["state"] == "failed"]
    if failed:
        lines.append(f"Stopped at {failed[0]}, exit code {summary['exit_code']}.")
    if summary["status"] == "done":
        passed = material.reached("ModelGate")
        lines.append("Every stage ran, and the model passed its gate." if passed else "Every stage of it ran.")
        pushed = summary["model"].get("pushed")
        lines.append(
            f"Pushed as version {str(pushed).rstrip('/').rsplit('/', 1)[-1]}." if pushed else "Nothing was pushed."
        )
    else:
        lines += [short(refusal.sentence) for refusal in of_kind("refusal", material.verdict)[:REASONS]]
    return Card("Did it work?", answer, lines, tone, [("outcome", "How it ended, in full")])


def short(sentence: str) -> str:
    """A sentence, cut where a card has no more room."""
    return sentence if len(sentence) <= TOLD else f"{sentence[:TOLD].rsplit(' ', 1)[0]} ..."


def _good(material: RunMaterial) -> Card:
    metrics = material.summary["metrics"]
    if not metrics:
        return Card("How good is the model?", "No model was judged", ["The stages of the run did not come to one."])
    clean, noisy = metrics["clean"], metrics["noisy"]
    try:
        low, high = material.judgement["intervals"]["clean"]["accuracy"]
        lines = [f"Accuracy on clean test beats; 95 %: {100 * low:.2f} to {100 * high:.2f} %."]
    except (NotReachedError, OSError):
        lines = ["Accuracy on clean test beats."]
    lines += [
        f"Macro-F1 {number(clean['macro_f1'])}.",
        f"Under noise: {percent(noisy['accuracy'])}, macro-F1 {number(noisy['macro_f1'])}.",
    ]
    parameters = material.summary["model"].get("parameters")
    if parameters:
        lines.append(f"{count(parameters)} parameters.")
    return Card("How good is the model?", percent(clean["accuracy"]), lines, links=[("results", "Beside the study's")])


def _next(material: RunMaterial) -> Card:
    question, status = "What to look at next", material.summary["status"]
    if status == "data_refused":
        links = [("files", "Which rows, and why")] if material.reached("ExampleGen") else []
        links += [("statistics", "Statistics and anomalies")] if material.reached("StatisticsGen") else []
        links.append(("stages", "How far it came"))
        return Card(question, "Mend the data, run again", ["Nothing was trained."], links=links)
    if status in ("failed", "interrupted"):
        lines = ["Finished stages are kept: the next run takes them from the cache."]
        links = [("outcome", "How it ended"), ("stages", "How far it came")]
        answer = "Run it again" if status == "interrupted" else "The reason, then run again"
        return Card(question, answer, lines, links=links)
    metrics = material.summary["metrics"]
    if not metrics:
        return Card(question, "The data", [], links=[("stages", "What was run"), ("origin", "Digests and settings")])
    recall = metrics["clean"]["recall"]
    weakest = min((value, index) for index, value in enumerate(recall) if value is not None)
    lines = [f"Its recall, {weakest[0]:.3f} on clean beats, is the lowest."]
    links = [
        *([("outcome", "What the gate requires")] if status == "model_refused" else []),
        ("classes", "Class by class"),
        ("mistakes", "Surest mistakes"),
        ("calibration", "Can its probabilities be trusted?"),
    ]
    return Card(question, f"Class {class_title(weakest[1])}", lines, links=links)
