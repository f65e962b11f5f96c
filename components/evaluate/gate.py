"""Let a model out or say in words why not: thresholds by what its test beats are, and the model that serves now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES
from components.evaluate.intervals import Metric, paired_bootstrap
from components.evaluate.metrics import accuracy_of, macro_f1_of, measure
from components.evaluate.settings import EvaluateSettings, GateSettings, Thresholds

SAME_PATIENTS = {
    "kaggle": "These are Kaggle's own rows: beats of one patient may be on both sides of the split, "
    "so new patients will be answered worse than these numbers say.",
    "unknown": "How these beats were split is not known: beats of one patient may be on both sides, "
    "so new patients may be answered worse than these numbers say.",
}

COMPARED: dict[str, Metric] = {"accuracy": accuracy_of, "macro_f1": macro_f1_of}
"""What the newest push is compared by, on clean and on noisy beats."""

STEADY = 1e-3
"""Largest mean change of a probability between beats that differ by a millionth; trained networks show about 1e-6."""

SAID = {"clean": "clean beats", "noisy": "noisy beats (one draw)"}

WORDS = {"accuracy": "accuracy", "macro_f1": "macro-F1"}


@dataclass(frozen=True)
class Current:
    """The model that serves now, and how it answers the same test beats.

    Attributes:
        version: of the serving directory.
        clean: probabilities float32[n, 5] on clean beats.
        noisy: probabilities float32[n, 5] on the first draw of noise.
        synthetic: whether it was made from simulated beats.
    """

    version: int
    clean: npt.NDArray[np.float32]
    noisy: npt.NDArray[np.float32]
    synthetic: bool


@dataclass(frozen=True)
class Decision:
    """What the gate decided.

    Attributes:
        refusals: one sentence per reason to keep the model in; empty when it may go out.
        sentences: the whole verdict, refusals included, in reading order.
        thresholds: those that applied.
        comparison: with the model that serves now, or None when there is none.
    """

    refusals: tuple[str, ...]
    sentences: tuple[str, ...]
    thresholds: Thresholds
    comparison: dict[str, Any] | None = field(default=None)

    def to_json(self) -> dict[str, Any]:
        """The decision as plain numbers and lists.

        Source: what `verdict.json` holds.
        """
        return {
            "refused": bool(self.refusals),
            "refusals": list(self.refusals),
            "sentences": list(self.sentences),
            "thresholds": self.thresholds.model_dump(mode="json"),
            "comparison": self.comparison,
        }


FORMS = {"accuracy": (".2%", ".4%"), "macro_f1": (".3f", ".5f"), "recall": (".2f", ".4f")}
"""How a share is spoken of, and how where that would hide a difference."""


def _figure(name: str, value: float) -> str:
    return format(value, FORMS[name][0])


def _short_of(name: str, value: float, required: float) -> str:
    """`0.61, required 0.70`, with as many digits as it takes to see that it is less."""
    usual, fine = FORMS[name]
    form = fine if format(value, usual) == format(required, usual) else usual
    return f"{format(value, form)}, required {format(required, form)}"


def provenance_sentences(split: str, synthetic: bool) -> list[str]:
    """What must be said before any number: that beats are simulated, or that patients may be on both sides."""
    told = ["SYNTHETIC: these beats are simulated; the numbers say nothing about real hearts."] if synthetic else []
    return told + ([SAME_PATIENTS[split]] if split in SAME_PATIENTS else [])


def lowered_sentences(applied: Thresholds, default: Thresholds) -> list[str]:
    """One sentence per threshold that was lowered from its default."""
    told = []
    for name in Thresholds.model_fields:
        if name != "recall" and getattr(applied, name) < getattr(default, name):
            told.append((name, getattr(applied, name), getattr(default, name)))
    for symbol in CLASSES:
        if getattr(applied.recall, symbol) < getattr(default.recall, symbol):
            told.append((f"recall.{symbol}", getattr(applied.recall, symbol), getattr(default.recall, symbol)))
    return [f"The gate was lowered: {name} is {value:g}, its default is {usual:g}." for name, value, usual in told]


def unusual_sentences(applied: EvaluateSettings) -> list[str]:
    """One sentence per setting of the evaluation that differs from its default: the thresholds were meant for those."""
    default = EvaluateSettings()
    names = [name for name in EvaluateSettings.model_fields if getattr(applied, name) != getattr(default, name)]
    return [
        f"The evaluation was changed: {name} is {getattr(applied, name)}, its default is {getattr(default, name)}."
        for name in names
    ]


def _threshold_sentences(
    metrics: Mapping[str, Any], thresholds: Thresholds, current: Mapping[str, Any] | None
) -> tuple[list[str], list[str]]:
    """Refusals and remarks from the thresholds; current holds the serving model's metrics where there is one."""
    refusals, remarks = [], []
    for kind in ("clean", "noisy"):
        for name in COMPARED:
            value, required = metrics[kind][name], getattr(thresholds, f"{kind}_{name}")
            if not value >= required:
                beside = f"; the current model has {_figure(name, current[kind][name])}" if current else ""
                refusals.append(f"{WORDS[name]} on {kind} beats {_short_of(name, value, required)}{beside}")
    for index, symbol in enumerate(CLASSES):
        required, value = getattr(thresholds.recall, symbol), metrics["clean"]["recall"][index]
        if value is None:
            remarks.append(f"There is no {symbol} among the test beats: its recall is not judged.")
        elif value < required:
            beside = (
                f"; the current model has {_figure('recall', current['clean']['recall'][index])}" if current else ""
            )
            refusals.append(f"recall of {symbol} {_short_of('recall', value, required)}{beside}")
    return refusals, remarks


def _compare(
    label: npt.NDArray[np.int64], candidate: Mapping[str, npt.NDArray[np.float32]], current: Current, settings: Mapping
) -> tuple[dict[str, Any], list[str], list[str]]:
    """The comparison's numbers, its refusals and its remarks."""
    refusals, remarks = [], []
    told: dict[str, Any] = {"version": current.version, "differences": {}}
    for kind, answers in (("clean", current.clean), ("noisy", current.noisy)):
        told[kind] = measure(answers, label).to_json()
        new, old = candidate[kind].argmax(axis=1), answers.argmax(axis=1)
        ours = measure(candidate[kind], label).to_json()
        for name, metric in COMPARED.items():
            low, high = paired_bootstrap(label, new, old, metric, settings["seed"], settings["resamples"])
            difference = ours[name] - told[kind][name]
            told["differences"][f"{kind}_{name}"] = {"difference": difference, "interval": [low, high]}
            pair = f"{WORDS[name]} on {SAID[kind]} {_figure(name, ours[name])}"
            beside = f"the current model (version {current.version}) has {_figure(name, told[kind][name])} on the same"
            chance = f"the difference lies in {low:+.4f} .. {high:+.4f} (95 %)"
            if high < 0:
                refusals.append(f"{pair}, {beside}: worse by more than chance, {chance}")
            else:
                remarks.append(f"{pair[0].upper()}{pair[1:]}, {beside}: {chance}.")
    return told, refusals, remarks


def _unsteady(moved: float) -> list[str]:
    """Why a model is refused whose answers move by so much between beats that differ by a millionth."""
    if moved <= STEADY:
        return []
    return [
        f"beats that differ by a millionth are answered differently, by {moved:.4f} on average (allowed {STEADY:g}): "
        "something random is served, such as the noise of training"
    ]


def judge_model(
    judgement: Mapping[str, Any],
    label: npt.NDArray[np.int64],
    candidate: Mapping[str, npt.NDArray[np.float32]],
    blessed: bool,
    current: Current | None,
    gate: GateSettings,
) -> Decision:
    """Decide whether a candidate may be pushed.

    Args:
        judgement: what `judgement.json` holds.
        label: int64[n], the true classes of the test beats.
        candidate: "clean" and "noisy" (first draw) -> probabilities float32[n, 5].
        blessed: whether the Evaluator blessed the candidate.
        current: the model that serves now, or None when nothing was pushed.
        gate: what is required.
    """
    split, synthetic = judgement["split"], judgement["synthetic"]
    thresholds = gate.for_data(split, synthetic)
    told = provenance_sentences(split, synthetic)
    told += lowered_sentences(thresholds, GateSettings().for_data(split, synthetic))
    told += unusual_sentences(EvaluateSettings.model_validate(judgement["settings"]))
    comparison, worse, remarks = None, list[str](), list[str]()
    if current is None:
        remarks.append("Nothing was pushed before: there is no model to compare with.")
    else:
        if synthetic and not current.synthetic:
            remarks.append(
                f"Version {current.version}, which serves now, was made from real beats; a push of this model, "
                "made from simulated ones, takes its place."
            )
        comparison, worse, compared = _compare(label, candidate, current, judgement["settings"])
        remarks += compared
    short, unjudged = _threshold_sentences(judgement["metrics"], thresholds, comparison)
    refusals = [f"Refused: {reason}." for reason in [*short, *worse, *_unsteady(judgement["unsteadiness"])]]
    if not blessed and not refusals:
        refusals.append(
            "Refused: the Evaluator did not bless the model although it misses no threshold of ours; "
            "its validation lies beside its evaluation in the run's artifacts."
        )
    if not refusals:
        clean, noisy = judgement["metrics"]["clean"], judgement["metrics"]["noisy"]
        told.append(
            f"Let out: accuracy {clean['accuracy']:.2%} and macro-F1 {clean['macro_f1']:.3f} on clean test beats, "
            f"{noisy['accuracy']:.2%} and {noisy['macro_f1']:.3f} on noisy ones."
        )
    return Decision(tuple(refusals), tuple(told + refusals + unjudged + remarks), thresholds, comparison)
