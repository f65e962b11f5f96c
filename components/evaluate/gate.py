"""Approve a model or say why not: thresholds for its kind of test beats, and the model that serves now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, Beats, confusion_matrix
from components.errors import EnvironmentRefused
from components.evaluate.intervals import Metric, paired_bootstrap
from components.evaluate.metrics import METRICS_OF_RECORDS, NAMED, accuracy_of, all_n, macro_f1_of, measure
from components.evaluate.settings import EvaluateSettings, GateSettings, Thresholds
from components.io.serving import METRICS as METRICS_FILE
from components.io.serving import ServingDirectory
from components.settings import differences
from components.train.export import load_predict
from components.verdict import Verdict, data_caveats, of_kind, verdict_json

COMPARED: dict[str, Metric] = {"accuracy": accuracy_of, "macro_f1": macro_f1_of}
"""Metrics compared with the newest push's, on clean and noisy beats."""

STEADY = 1e-3
"""Largest mean change of a probability between beats that differ by a millionth; trained networks show about 1e-6."""

BEATS = {"clean": "clean beats", "noisy": "noisy beats (one draw)"}

METRICS = {"accuracy": "accuracy", "macro_f1": "macro-F1"}

FORMATS = {"accuracy": (".2%", ".4%"), "macro_f1": (".3f", ".5f"), "recall": (".2f", ".4f")}
"""Format of a share, and a finer one if that would hide a difference."""


@dataclass(frozen=True)
class Current:
    """The model that serves now, and its answers to the same test beats."""

    version: int
    clean: npt.NDArray[np.float32]  # probabilities float32[n, 5] on clean beats
    noisy: npt.NDArray[np.float32]  # the same on the first draw of noise
    synthetic: bool  # whether it was trained on simulated beats


def current_model(serving: str, beats: Beats, noisy: npt.NDArray[np.float32]) -> Current | None:
    """Run the newest push on the test beats and on `noisy` ones, float32[n, 187]; None if nothing was pushed.

    The directory is read at this point, so that the serving model is not part of the cache key.

    Raises:
        EnvironmentRefused: the serving directory cannot be read, or the model serving there is not one of ours.
    """
    directory = ServingDirectory(serving)
    versions = directory.versions()
    if not versions:
        return None
    with directory.opened(versions[-1]) as folder:
        try:
            predict = load_predict(str(folder))
            clean, with_noise = predict(beats.signal, beats.context), predict(noisy, beats.context)
        except (OSError, KeyError, ValueError) as error:
            raise EnvironmentRefused(
                f"Version {versions[-1]} in {serving} cannot be asked ({error}), so no model can be compared with it: "
                "remove it, or push to another serving directory."
            ) from error
        synthetic = bool(directory.json_sidecar(versions[-1], METRICS_FILE).get("synthetic"))
        return Current(versions[-1], clean, with_noise, synthetic)


@dataclass(frozen=True)
class Decision:
    """The gate's decision."""

    verdict: tuple[Verdict, ...]  # in reading order; the model may be pushed if none is a refusal
    thresholds: Thresholds  # those that applied
    comparison: dict[str, Any] | None  # with the serving model, or None if there is none

    @property
    def refusals(self) -> list[Verdict]:
        """The reasons not to push the model."""
        return of_kind("refusal", self.verdict)

    def to_json(self) -> dict[str, Any]:
        """Return what `verdict.json` holds."""
        return {
            "verdict": verdict_json(self.verdict),
            "thresholds": self.thresholds.model_dump(mode="json"),
            "comparison": self.comparison,
        }


def gate_model(
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
        blessed: by TFMA's Evaluator.
        current: None if nothing was pushed.
        gate: what is required.
    """
    split, synthetic, metrics = judgement["split"], judgement["synthetic"], judgement["metrics"]
    thresholds = gate.for_data(split, synthetic)
    caveats = [
        *data_caveats(split, synthetic),
        *_changes(
            thresholds,
            GateSettings().for_data(split, synthetic),
            EvaluateSettings.model_validate(judgement["settings"]),
        ),
    ]
    if current is None:
        nothing = "Nothing was pushed before: there is no model to compare with."
        comparison, compared = None, [Verdict("remark", "no_current", nothing)]
    else:
        comparison, compared = _compare(label, candidate, current, judgement["settings"])
        if synthetic and not current.synthetic:
            replaced = (
                f"Version {current.version}, which serves now, was made from real beats; a push of this model, made "
                "from simulated ones, takes its place."
            )
            compared.insert(0, Verdict("remark", "replaces_real", replaced))
    findings = [
        *_check_thresholds(metrics, thresholds, comparison),
        *compared,
        *_check_trivial(label, candidate["clean"].argmax(axis=1), None if synthetic else judgement.get("by_record")),
    ]
    if (change := judgement["unsteadiness"]) > STEADY:
        unsteady = (
            f"beats that differ by a millionth are answered differently, by {change:.4f} on average (allowed "
            f"{STEADY:g}): something random is served, such as the noise of training"
        )
        findings.append(_refusal("unsteady", unsteady))
    refusals, remarks = of_kind("refusal", findings), of_kind("remark", findings)
    if not refusals and not blessed:
        refusals = [
            _refusal(
                "not_blessed",
                "TFMA's Evaluator did not bless the model although it meets all of Heartbeat's thresholds; "
                "see `validation_results` in the run's Evaluator artifact",
            )
        ]
    return Decision((*caveats, *(refusals or [_release(metrics)]), *remarks), thresholds, comparison)


def _refusal(code: str, reason: str) -> Verdict:
    return Verdict("refusal", code, f"Refused: {reason}.")


def _release(metrics: Mapping[str, Any]) -> Verdict:
    clean, noisy = metrics["clean"], metrics["noisy"]
    return Verdict(
        "release",
        "released",
        f"Approved: accuracy {clean['accuracy']:.2%} and macro-F1 {clean['macro_f1']:.3f} on clean test beats, "
        f"{noisy['accuracy']:.2%} and {noisy['macro_f1']:.3f} on noisy ones.",
    )


def _changes(thresholds: Thresholds, usual: Thresholds, evaluation: EvaluateSettings) -> Iterator[Verdict]:
    """Name the thresholds that were lowered, and the changed settings of the evaluation they were meant for."""
    for name, value, default in differences(thresholds.model_dump(), usual.model_dump()):
        if value < default:
            yield Verdict(
                "caveat", "lowered", f"The gate was lowered: {name} is {value:g}, its default is {default:g}."
            )
    for name, value, default in differences(evaluation.model_dump(), EvaluateSettings().model_dump()):
        yield Verdict("caveat", "changed", f"The evaluation was changed: {name} is {value}, its default is {default}.")


def _figure(name: str, value: float) -> str:
    return format(value, FORMATS[name][0])


def _below(name: str, value: float, required: float) -> str:
    """Write `0.61, required 0.70`, with enough digits to show that it is less."""
    usual, fine = FORMATS[name]
    form = fine if format(value, usual) == format(required, usual) else usual
    return f"{format(value, form)}, required {format(required, form)}"


def _check_thresholds(
    metrics: Mapping[str, Any], thresholds: Thresholds, comparison: Mapping[str, Any] | None
) -> list[Verdict]:
    """Compare metrics with the thresholds; the comparison has the serving model's, if there is one."""
    verdict = []
    for kind in ("clean", "noisy"):
        for name in COMPARED:
            value, required = metrics[kind][name], getattr(thresholds, f"{kind}_{name}")
            if not value >= required:
                current = f"; the current model has {_figure(name, comparison[kind][name])}" if comparison else ""
                reason = f"{METRICS[name]} on {kind} beats {_below(name, value, required)}{current}"
                verdict.append(_refusal("threshold", reason))
    for index, symbol in enumerate(CLASSES):
        required, value = getattr(thresholds.recall, symbol), metrics["clean"]["recall"][index]
        if value is None:
            unjudged = f"There is no {symbol} among the test beats: its recall is not judged."
            verdict.append(Verdict("remark", "not_judged", unjudged))
        elif value < required:
            current = ""
            if comparison:
                current = f"; the current model has {_figure('recall', comparison['clean']['recall'][index])}"
            verdict.append(_refusal("threshold", f"recall of {symbol} {_below('recall', value, required)}{current}"))
    return verdict


def _compare(
    label: npt.NDArray[np.int64],
    candidate: Mapping[str, npt.NDArray[np.float32]],
    current: Current,
    settings: Mapping[str, Any],
) -> tuple[dict[str, Any], list[Verdict]]:
    """Compare with the model that serves now: the numbers, and the verdict on them."""
    verdict = []
    comparison: dict[str, Any] = {"version": current.version, "differences": {}}
    for kind, answers in (("clean", current.clean), ("noisy", current.noisy)):
        new, old = measure(candidate[kind], label), measure(answers, label)
        comparison[kind] = old
        for name, metric in COMPARED.items():
            low, high = paired_bootstrap(
                label,
                candidate[kind].argmax(axis=1),
                answers.argmax(axis=1),
                metric,
                settings["seed"],
                settings["resamples"],
            )
            difference = {"difference": new[name] - old[name], "interval": [low, high]}
            comparison["differences"][f"{kind}_{name}"] = difference
            figures = (
                f"{METRICS[name]} on {BEATS[kind]} {_figure(name, new[name])}, the current model (version "
                f"{current.version}) has {_figure(name, old[name])} on the same"
            )
            chance = f"the difference lies in {low:+.4f} .. {high:+.4f} (95 %)"
            if high < 0:
                verdict.append(_refusal("worse_than_current", f"{figures}: worse by more than chance, {chance}"))
            else:
                verdict.append(Verdict("remark", "compared", f"{figures[0].upper()}{figures[1:]}: {chance}."))
    return comparison, verdict


def _check_trivial(
    label: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], by_record: Mapping[str, Any] | None
) -> list[Verdict]:
    """Refuse a model that is not better than one that calls every beat N, in accuracy or in the mean F1 of N, S, V.

    If the records are known, it must be better by more than chance among records.
    """
    confusion = confusion_matrix(label, predicted)
    if not confusion[1 : len(NAMED)].any():  # there is no S or V to tell from N
        return []
    refusals = []
    for form, (name, metric) in zip(COMPARED, METRICS_OF_RECORDS.items(), strict=True):
        model, trivial = float(metric(confusion)), float(metric(all_n(confusion)))
        low, chance = model - trivial, ""
        if by_record:
            low, high = by_record["difference"][name]
            drawn = f"over {len(by_record['records'])} records the difference lies in {low:+.4f} .. {high:+.4f}"
            chance = f" ({drawn}, 95 %)"
        if not low > 0:
            words = "accuracy" if name == "accuracy" else f"mean F1 of {', '.join(NAMED)}"
            figures = f"{words} on clean beats {_figure(form, model)}, calling every beat N gives"
            refusals.append(_refusal("no_better_than_all_n", f"{figures} {_figure(form, trivial)}{chance}"))
    return refusals
