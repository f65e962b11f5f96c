"""The top of a page: warnings, and four cards: what was done, did it work, what came out, what to look at next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from textwrap import shorten
from typing import Any, Final

from components.errors import HeartbeatError, counted
from components.report.content import Card
from components.report.material import NotReachedError, RunMaterial, ScoringMaterial, value_counts
from components.report.outcome import ENDINGS
from components.report.scoring import share_change, signal_divergence
from components.report.wording import (
    SPLIT_WORDS,
    between_percent,
    class_title,
    count,
    number,
    percent,
    seconds,
    state_of,
)
from components.score.model import RELEASED
from components.validate.settings import ValidateSettings
from components.verdict import (
    MADE_OF_SYNTHETIC,
    PUSHED_BEFORE,
    SAME_PATIENTS,
    SAME_PATIENTS_MARK,
    SYNTHETIC_MARK,
    data_caveats,
    of_kind,
)

WORKED: Final = "Did it work?"
GOOD: Final = "How good is the model?"
NEXT: Final = "What to look at next"

_short = partial(shorten, width=154, placeholder=" ...")
"""Ends a sentence that is cut because a card has no more room."""

REASONS: Final = 2
"""Maximum reasons on a card; the rest is in the section below."""

ONE_PERSON: Final = ("201", "202")
"""Records of one person in the MIT-BIH Arrhythmia Database; the usual split DS1 / DS2 puts one on each side."""

ON_BOTH_SIDES: Final = (
    "Records 201 and 202 are one person, and this split has one of them on each side: all other patients of the test "
    "split are new to the model, this one is not."
)


def run_warnings(material: RunMaterial) -> list[str]:
    """Return the warnings to read before any figure of a run."""
    warnings = [caveat.sentence for caveat in data_caveats(material.split, material.synthetic)]
    if material.split in SAME_PATIENTS:
        return warnings
    with suppress(NotReachedError, OSError):
        trained = records(material, "train") | records(material, "eval")
        tested = records(material, "test")
        if any(one in trained and other in tested for one, other in (ONE_PERSON, ONE_PERSON[::-1])):
            warnings.append(ON_BOTH_SIDES)
    return warnings


def run_marks(material: RunMaterial) -> list[str]:
    """Return the short warnings beside every heading, so that no section is read or shown without them."""
    marks = {SYNTHETIC_MARK: material.synthetic, SAME_PATIENTS_MARK: material.split in SAME_PATIENTS}
    return [mark for mark, applies in marks.items() if applies]


def records(material: RunMaterial, split: str) -> set[str]:
    """Return the names of the records in a split, without that of their archive, as StatisticsGen counted them.

    Raises:
        NotReachedError: the run ended before its statistics.
        OSError: they do not exist any more.
    """
    return {name.rpartition("/")[2] for name in value_counts(material.statistics(split), "record")}


def run_cards(material: RunMaterial) -> list[Card]:
    """Answer the four questions about a run."""
    return [_what_ran(material), _run_worked(material), _how_good(material), _after_run(material)]


def _what_ran(material: RunMaterial) -> Card:
    summary, rows = material.summary, material.summary["data"].get("rows")
    lines = [f"Profile {material.settings['profile']}, {started(summary['run'])}."]
    if rows:
        splits = ", ".join(f"{count(rows[split])} {split}" for split in ("train", "eval", "test"))
        lines.append(f"{splits}; {count(rows['rejects'])} rejected.")
    if material.split:
        lines.append(f"{SPLIT_WORDS[material.split].capitalize()}.")
    states = [state_of(stage, summary["status"]) for stage in summary["stages"]]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    lines.append(f"Stages: {counts}, in {seconds(sum(stage['seconds'] for stage in summary['stages']))}.")
    return Card("What was run", f"{SYNTHETIC_MARK} beats" if material.synthetic else "Real beats", lines)


def started(run: str) -> str:
    """Return when a run started, from its id; the id itself if it is not a time, as on Kubeflow."""
    try:
        return datetime.strptime(run[:15], "%Y%m%dT%H%M%S").strftime("started %Y-%m-%d %H:%M UTC")
    except ValueError:
        return f"run {run}"


def _run_worked(material: RunMaterial) -> Card:
    summary = material.summary
    answer, tone, _ = ENDINGS[summary["status"]]
    lines = []
    if stage := material.stopped_at:
        lines.append(f"Stopped at {stage}, exit code {summary['exit_code']}.")
    if summary["status"] == "done":
        gate = material.reached("ModelGate")
        lines.append("Every stage ran, and the model passed its gate." if gate else "Every stage ran.")
        pushed = summary["model"].get("pushed")
        again = any(each.code == PUSHED_BEFORE for each in material.verdict)
        act = "The model is already served as" if again else "Pushed as"
        version = str(pushed).rstrip("/").rsplit("/", 1)[-1]
        lines.append(f"{act} version {version}." if pushed else "Nothing was pushed.")
    else:
        lines += [_short(refusal.sentence) for refusal in of_kind("refusal", material.verdict)[:REASONS]]
    return Card(WORKED, answer, lines, tone, [("outcome", "How it ended, in full")])


def _how_good(material: RunMaterial) -> Card:
    metrics = material.summary["metrics"]
    if not metrics:
        return Card(GOOD, "No model was judged", ["The run did not reach the Judge."])
    clean, noisy = metrics["clean"], metrics["noisy"]
    interval = ""
    with suppress(NotReachedError, OSError):
        interval = f"; 95 %: {between_percent(material.judgement['intervals']['clean']['accuracy'])}"
    lines = [
        f"Accuracy on clean test beats{interval}.",
        f"Macro-F1 {number(clean['macro_f1'])}.",
        f"Under noise: {percent(noisy['accuracy'])}, macro-F1 {number(noisy['macro_f1'])}.",
    ]
    if parameters := material.summary["model"].get("parameters"):
        lines.append(f"{count(parameters)} parameters.")
    return Card(GOOD, percent(clean["accuracy"]), lines, links=[("results", "Compared with the study")])


def _after_run(material: RunMaterial) -> Card:
    status, metrics = material.summary["status"], material.summary["metrics"]
    if status == "data_refused":
        links = [("files", "Which rows, and why")] if material.reached("ExampleGen") else []
        links += [("statistics", "Statistics and anomalies")] if material.reached("StatisticsGen") else []
        links.append(("stages", "How far it got"))
        return Card(NEXT, "Correct the data, then run again", ["Nothing was trained."], links=links)
    if status in ("failed", "interrupted"):
        lines = ["Finished stages are kept: the next run takes them from the cache."]
        links = [("outcome", "How it ended"), ("stages", "How far it got")]
        return Card(
            NEXT, "Run it again" if status == "interrupted" else "Find the reason, then run again", lines, links=links
        )
    if not metrics:
        return Card(NEXT, "The data", [], links=[("stages", "What was run"), ("origin", "Digests and settings")])
    recall = {index: value for index, value in enumerate(metrics["clean"]["recall"]) if value is not None}
    weakest = min(recall, key=recall.__getitem__)
    links = [
        *([("outcome", "What the gate requires")] if status == "model_refused" else []),
        ("classes", "Class by class"),
        ("mistakes", "Surest mistakes"),
        ("calibration", "Can its probabilities be trusted?"),
    ]
    lines = [f"Its recall, {recall[weakest]:.3f} on clean beats, is the lowest."]
    return Card(NEXT, f"Class {class_title(weakest)}", lines, links=links)


def scoring_warnings(material: ScoringMaterial) -> list[str]:
    """Return the warnings to read before any figure of a scoring job."""
    return [*([MADE_OF_SYNTHETIC] if material.synthetic else []), *material.damage]


def scoring_marks(material: ScoringMaterial) -> list[str]:
    """Return the short warnings beside every heading."""
    return [SYNTHETIC_MARK] if material.synthetic else []


def scoring_cards(material: ScoringMaterial) -> list[Card]:
    """Answer the four questions about a scoring job."""
    return [_what_was_scored(material), _scoring_worked(material), _what_came_out(material), _after_scoring(material)]


def _what_was_scored(material: ScoringMaterial) -> Card:
    version, shards = material.job.model_version, counted(len(material.shards), "shard")
    named = f", version {version}" if version else ", released" if material.job.model_uri == RELEASED else ""
    model = f"Model {material.job.fingerprint.model[:12]}{named}."
    question, rows = "What was scored", material.summary["rows"]["read"]
    if (tally := material.recordings) is None:
        lines = [f"{counted(len(material.summary['files']), 'input file')}, {shards}.", model]
        return Card(question, f"{count(rows)} rows", lines)
    beats = counted(rows - tally["unusable"], "beat")
    lines = [f"{beats} in {seconds(tally['seconds'])}.", f"{shards}.", model]
    return Card(question, counted(tally["planned"], "recording"), lines)


def _scoring_worked(material: ScoringMaterial) -> Card:
    summary, links = material.summary, [("outcome", "Where every row went")]
    refused = material.recordings["unusable"] if material.recordings else 0
    rows = f"{count(summary['rows']['scored'])} scored, {count(summary['rows']['rejected'] - refused)} rejected."
    if refused:
        rows += f" {counted(refused, 'recording')} refused."
    if not material.finished:
        done = f"{count(len(material.records))} of {counted(len(material.shards), 'shard')} are done."
        lines = [done, rows, "The same command with `--resume` continues it."]
        return Card(WORKED, "Not finished", lines, "warn", links)
    if summary["status"] != "done":
        lines = [rows, *(_short(sentence) for sentence in summary["sentences"][:REASONS])]
        return Card(WORKED, "No: incomplete", lines, "bad", links)
    each = "row read" if material.recordings is None else "recording is used or refused, every beat"
    lines = [rows, f"Every {each} is scored or rejected."]
    if summary["rows_per_second"]:
        rate = count(round(summary["rows_per_second"]))
        lines.append(f"{seconds(summary['seconds'])} in all, start-up included: {rate} rows/s.")
    return Card(WORKED, "Yes: done", lines, "good", links)


def _what_came_out(material: ScoringMaterial) -> Card:
    question, rows = "What came out", material.summary["rows"]
    scored = rows["scored"]
    if not scored:
        return Card(question, "No row was scored", [])
    shares = {symbol: percent(of_class / scored) for symbol, of_class in material.summary["classes"].items()}
    most = max(shares, key=material.summary["classes"].__getitem__)
    lines = [", ".join(f"{symbol} {share}" for symbol, share in shares.items() if symbol != most) + "."]
    if confusion := material.summary["confusion"]:
        right = sum(row[index] for index, row in enumerate(confusion))
        lines.append(f"{percent(right / scored)} agree with the inputs' own labels.")
    if rows["abstained"]:
        lines.append(f"The model abstains from {count(rows['abstained'])} rows.")
    return Card(question, f"{most} {shares[most]}", lines, links=[("classes", "Compared with training")])


def _after_scoring(material: ScoringMaterial) -> Card:
    drift, confidence = ("drift", "Drift of the signal"), ("scores", "How sure the model was")
    if material.recordings is not None:
        return _after_recordings(material.recordings)
    rejected = material.summary["rows"]["rejected"]
    failed = material.finished and material.summary["status"] != "done"
    unlike = [] if rejected and failed else _unlike_training(material)
    if unlike:
        links = [drift, ("classes", "Classes, compared with training")]
        return Card(NEXT, "Different from training", unlike, "warn", links)
    if rejected:
        return Card(NEXT, "The rejected rows", [], links=[("rejects", "Reasons and examples"), drift])
    if not material.finished:
        return Card(NEXT, "The shards", [], links=[("shards", "Which are done"), confidence])
    return Card(NEXT, "Does it resemble training?", [], links=[drift, confidence])


def _after_recordings(tally: Mapping[str, Any]) -> Card:
    links = [("recordings", "By what needs attention"), ("rejects", "Rejected beats"), ("drift", "Drift of the signal")]
    lines = []
    if tally["unusable"]:
        lines.append(f"{count(tally['unusable'])} of {counted(tally['planned'], 'recording')} could not be used.")
    if tally["unlike"]:
        unlike = f"{count(tally['unlike'])} of {counted(tally['used'], 'recording')}"
        lines.append(f"Unlike what the model was trained on: {unlike}. It is less accurate there.")
    return Card(NEXT, "The recordings", lines, "warn" if lines else "plain", links)


def _unlike_training(material: ScoringMaterial) -> Sequence[str]:
    """Return a sentence for each of signal and classes that is beyond what a training's data gate allows."""
    if not material.summary["rows"]["scored"]:
        return []
    sentences, limits = [], ValidateSettings()
    with suppress(HeartbeatError):  # a model without sidecars has nothing to compare with
        divergence, change = signal_divergence(material), share_change(material)
        if divergence > limits.signal_drift:
            sentences.append(f"The samples drifted: divergence {number(divergence)}, limit {limits.signal_drift:g}.")
        if change > limits.label_drift:
            sentences.append(f"A class's share changed by {number(change)}, limit {limits.label_drift:g}.")
    if sentences:
        sentences.append("The model may be wrong more often than its test figures say.")
    return sentences
