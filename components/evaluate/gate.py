"""Let a model out or say in words why not: thresholds by what its test beats are, and the model that serves now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES
from components.evaluate.intervals import Metric, paired_bootstrap
from components.evaluate.metrics import accuracy_of, macro_f1_of, measure
from components.evaluate.settings import EvaluateSettings, GateSettings, Thresholds
from components.verdict import Verdict, data_caveats, of_kind, verdict_json

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
        verdict: in reading order; the model may go out when there is no refusal among them.
        thresholds: those that applied.
        comparison: with the model that serves now, or None when there is none.
    """

    verdict: tuple[Verdict, ...]
    thresholds: Thresholds
    comparison: dict[str, Any] | None = None

    @property
    def refusals(self) -> list[Verdict]:
        """The reasons to keep the model in."""
        return of_kind("refusal", self.verdict)

    def to_json(self) -> dict[str, Any]:
        """Give what `verdict.json` holds."""
        return {
            "verdict": verdict_json(self.verdict),
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


def lowered_thresholds(applied: Thresholds, default: Thresholds) -> list[Verdict]:
    """Name each threshold that was lowered from its default."""
    lowered = [
        (name, getattr(applied, name), getattr(default, name)) for name in Thresholds.model_fields if name != "recall"
    ]
    lowered += [(f"recall.{c}", getattr(applied.recall, c), getattr(default.recall, c)) for c in CLASSES]
    return [
        Verdict("caveat", "lowered", f"The gate was lowered: {name} is {value:g}, its default is {usual:g}.")
        for name, value, usual in lowered
        if value < usual
    ]


def changed_evaluation(applied: EvaluateSettings) -> list[Verdict]:
    """Name each setting of the evaluation that differs from its default: the thresholds were meant for those."""
    default = EvaluateSettings()
    return [
        Verdict(
            "caveat",
            "changed",
            f"The evaluation was changed: {name} is {getattr(applied, name)}, its default is {getattr(default, name)}.",
        )
        for name in EvaluateSettings.model_fields
        if getattr(applied, name) != getattr(default, name)
    ]


def _refused(code: str, reason: str) -> Verdict:
    return Verdict("refusal", code, f"Refused: {reason}.")


def _judge_thresholds(
    metrics: Mapping[str, Any], thresholds: Thresholds, current: Mapping[str, Any] | None
) -> list[Verdict]:
    """Judge by the thresholds; current holds the serving model's metrics where there is one."""
    verdict = []
    for kind in ("clean", "noisy"):
        for name in COMPARED:
            value, required = metrics[kind][name], getattr(thresholds, f"{kind}_{name}")
            if not value >= required:
                beside = f"; the current model has {_figure(name, current[kind][name])}" if current else ""
                reason = f"{WORDS[name]} on {kind} beats {_short_of(name, value, required)}{beside}"
                verdict.append(_refused("threshold", reason))
    for index, symbol in enumerate(CLASSES):
        required, value = getattr(thresholds.recall, symbol), metrics["clean"]["recall"][index]
        if value is None:
            unjudged = f"There is no {symbol} among the test beats: its recall is not judged."
            verdict.append(Verdict("remark", "not_judged", unjudged))
        elif value < required:
            beside = (
                f"; the current model has {_figure('recall', current['clean']['recall'][index])}" if current else ""
            )
            verdict.append(_refused("threshold", f"recall of {symbol} {_short_of('recall', value, required)}{beside}"))
    return verdict


def _compare(
    label: npt.NDArray[np.int64], candidate: Mapping[str, npt.NDArray[np.float32]], current: Current, settings: Mapping
) -> tuple[dict[str, Any], list[Verdict]]:
    """Compare with the model that serves now: the numbers, and the verdict on them."""
    verdict = []
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
                verdict.append(_refused("worse_than_current", f"{pair}, {beside}: worse by more than chance, {chance}"))
            else:
                verdict.append(Verdict("remark", "compared", f"{pair[0].upper()}{pair[1:]}, {beside}: {chance}."))
    return told, verdict


def _judge_steadiness(moved: float) -> list[Verdict]:
    """Refuse a model whose answers move by so much between beats that differ by a millionth."""
    if moved <= STEADY:
        return []
    return [
        _refused(
            "unsteady",
            f"beats that differ by a millionth are answered differently, by {moved:.4f} on average (allowed "
            f"{STEADY:g}): something random is served, such as the noise of training",
        )
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
    caveats = [
        *data_caveats(split, synthetic),
        *lowered_thresholds(thresholds, GateSettings().for_data(split, synthetic)),
        *changed_evaluation(EvaluateSettings.model_validate(judgement["settings"])),
    ]
    comparison, compared, remarks = None, list[Verdict](), list[Verdict]()
    if current is None:
        remarks.append(Verdict("remark", "no_current", "Nothing was pushed before: there is no model to compare with."))
    else:
        if synthetic and not current.synthetic:
            replaced = (
                f"Version {current.version}, which serves now, was made from real beats; a push of this model, "
                "made from simulated ones, takes its place."
            )
            remarks.append(Verdict("remark", "replaces_real", replaced))
        comparison, compared = _compare(label, candidate, current, judgement["settings"])
    by_thresholds = _judge_thresholds(judgement["metrics"], thresholds, comparison)
    judged = [*by_thresholds, *compared, *_judge_steadiness(judgement["unsteadiness"])]
    outcome = of_kind("refusal", judged)
    if not outcome and not blessed:
        outcome = [
            _refused(
                "not_blessed",
                "TFMA's Evaluator did not bless the model although it meets all of Heartbeat's thresholds; "
                "see `validation_results` in the run's Evaluator artifact",
            )
        ]
    if not outcome:
        outcome = [_released(judgement["metrics"])]
    remarks = [*of_kind("remark", by_thresholds), *remarks, *of_kind("remark", compared)]
    return Decision((*caveats, *outcome, *remarks), thresholds, comparison)


def _released(metrics: Mapping[str, Any]) -> Verdict:
    clean, noisy = metrics["clean"], metrics["noisy"]
    return Verdict(
        "release",
        "released",
        f"Let out: accuracy {clean['accuracy']:.2%} and macro-F1 {clean['macro_f1']:.3f} on clean test beats, "
        f"{noisy['accuracy']:.2%} and {noisy['macro_f1']:.3f} on noisy ones.",
    )
