"""Measure three models on clean and noisy test beats: all figures of the report, the gate and the push."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, Beats, confusion_matrix
from components.errors import ModelRefused
from components.evaluate.calibration import calibration, coverage_curve, reliability
from components.evaluate.intervals import interval_of, resampled_confusions, wilson
from components.evaluate.metrics import (
    METRICS_OF_RECORDS,
    accuracy_of,
    all_n,
    class_rates,
    macro_f1_of,
    measure,
    per_class,
)
from components.evaluate.settings import EvaluateSettings
from components.train.calibrate import Certainty, shifted_classes
from components.train.export import Predict
from components.transform.noise import add_noise
from components.verdict import Verdict

CANDIDATE, TRAINER, FROZEN = "candidate", "trainer", "frozen"
"""The fine-tuned model, the only one that may be pushed; the clean-trained one; the one after transfer, body frozen."""

CANDIDATE_NOISY = "candidate_noisy"
"""The candidate's answers to the first draw of noise, among the arrays: what the gate compares models by."""

NUDGE = 1e-6
"""Beats are predicted again with samples smaller by this factor: less than any recorder resolves."""

PROBED = 2048
"""Number of beats that are predicted again."""

BLOCK = 8192
"""Beats per block of noise: 6 MB of signal."""

Noise = Callable[[npt.NDArray[np.float32], int, float], npt.NDArray[np.float32]]
"""(signal float32[n, 187], draw, sd) -> the noisy signal, float32[n, 187]."""


@dataclass(frozen=True)
class Judged:
    """The measurements: the content of `judgement.json` and the arrays of `predictions.npz`.

    They are `label` int64[n], `<model>` float32[n, 5] on clean beats for the three models, and `candidate_noisy`
    float32[n, 5] on the first draw of noise.
    """

    judgement: dict[str, Any]
    arrays: dict[str, npt.NDArray[Any]]


def noisy_signal(signal: npt.NDArray[np.float32], draw: int, sd: float) -> npt.NDArray[np.float32]:
    """Add one draw of noise with a standard deviation to every beat, float32[n, 187], block by block."""
    blocks = [np.asarray(add_noise(signal[start : start + BLOCK], draw, sd)) for start in range(0, len(signal), BLOCK)]
    return np.concatenate(blocks)


def judge(
    beats: Beats,
    models: Mapping[str, Predict],
    noise: Noise,
    settings: EvaluateSettings,
    split: str,
    synthetic: bool,
    certainty: Certainty,
) -> Judged:
    """Measure the candidate, the clean-trained and the frozen model on the same beats and the same noise.

    The noise is on the samples; the context of beats, for models that read it, stays as it is.

    `models` are CANDIDATE, TRAINER and FROZEN as functions; `noise` makes a draw of noisy beats; `split` is how the
    test beats were separated from the others, `synthetic` whether they are simulated; `certainty` is the candidate's
    calibration.

    Raises:
        ModelRefused: a model returns something that is not a number.
        ValueError: there is no beat.
    """
    label = beats.label
    models = {name: _checked(name, predict) for name, predict in models.items()}
    signals = (noise(beats.signal, draw, settings.noise_sd) for draw in settings.draws)
    noisy = [{name: predict(signal, beats.context) for name, predict in models.items()} for signal in signals]
    answers = {  # model -> "clean" float32[1, n, 5] and "noisy" float32[draws, n, 5]
        name: {"clean": predict(beats.signal, beats.context)[None], "noisy": np.stack([each[name] for each in noisy])}
        for name, predict in models.items()
    }

    def of_all(figure: Callable[[npt.NDArray[np.float32]], Any]) -> dict[str, Any]:
        """Compute a figure for every model; the candidate's is at the top, the others' by name."""
        by_model = {name: {kind: figure(each) for kind, each in kinds.items()} for name, kinds in answers.items()}
        return {**by_model.pop(CANDIDATE), **by_model}

    candidate = answers[CANDIDATE]
    at_level = {0.0: candidate["clean"][0], settings.noise_sd: candidate["noisy"][0]}
    for sd in set(settings.noise_levels) - set(at_level):
        at_level[sd] = models[CANDIDATE](noise(beats.signal, settings.draws[0], sd), beats.context)
    judgement = {
        "split": split,
        "synthetic": synthetic,
        "rows": len(label),
        "settings": settings.model_dump(mode="json"),
        "metrics": of_all(lambda each: _metrics(each, label)),
        "f1": of_all(lambda each: _f1(each, label)),
        "intervals": of_all(lambda each: _intervals(label, each.argmax(axis=2), settings)),
        "noise_levels": [_noise_level(sd, at_level[sd], label, settings) for sd in settings.noise_levels],
        "calibration": {
            kind: calibration(each[0], label, settings.resamples, settings.seed) for kind, each in candidate.items()
        },
        "certainty": {
            "temperature": certainty.temperature,
            "threshold": certainty.threshold,
            **{kind: _certainty(each, label, certainty, kind) for kind, each in candidate.items()},
        },
        "unsteadiness": _unsteadiness(models[CANDIDATE], beats, candidate["clean"][0]),
        "coverage": {kind: coverage_curve(each[0], label) for kind, each in candidate.items()},
    }
    if split == "patient" and beats.record is not None:
        predicted = candidate["clean"][0].argmax(axis=1)
        judgement["by_record"] = judge_records(label, predicted, beats.record, settings.resamples, settings.seed)
    arrays: dict[str, npt.NDArray[Any]] = {"label": label, CANDIDATE_NOISY: candidate["noisy"][0]}
    return Judged(judgement, arrays | {name: kinds["clean"][0] for name, kinds in answers.items()})


def _checked(name: str, predict: Predict) -> Predict:
    """Wrap a model so that it raises if it returns something that is not a number."""

    def checked(
        signal: npt.NDArray[np.float32], context: npt.NDArray[np.float32] | None = None
    ) -> npt.NDArray[np.float32]:
        probabilities = predict(signal, context)
        broken = int((~np.isfinite(probabilities).all(axis=1)).sum())
        if broken:
            sentence = (
                f"The {name} model answers {broken} of {len(probabilities)} test beats with something that is not a "
                "number: its training diverged; look at its loss over the epochs, and lower the learning rate."
            )
            raise ModelRefused([Verdict("refusal", "not_a_number", sentence)])
        return probabilities

    return checked


def _metrics(probabilities: npt.NDArray[np.float32], label: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Measure one or more answers per beat: probabilities float32[answers, n, 5]."""
    answers, _, classes = probabilities.shape
    return measure(probabilities.reshape(-1, classes), np.tile(label, answers))


def _f1(probabilities: npt.NDArray[np.float32], label: npt.NDArray[np.int64]) -> list[float | None]:
    predicted = probabilities.argmax(axis=2)
    _, _, f1 = class_rates(confusion_matrix(np.tile(label, len(predicted)), predicted.ravel()))
    return per_class(f1)


def _intervals(
    label: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], settings: EvaluateSettings
) -> dict[str, Any]:
    """Compute 95 % intervals; predicted is int64[answers, n], all answers to one beat count as one trial."""
    answers = len(predicted)
    resampled = resampled_confusions(label, predicted, settings.resamples, settings.seed)
    counts = confusion_matrix(np.tile(label, answers), predicted.ravel()) / answers
    hits, true, called = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    _, _, f1 = class_rates(resampled)
    return {
        "accuracy": interval_of(accuracy_of(resampled)),
        "macro_f1": interval_of(macro_f1_of(resampled)),
        "recall": [wilson(*pair) for pair in zip(hits, true, strict=True)],
        "precision": [
            wilson(hit, all_called) if present else None
            for hit, all_called, present in zip(hits, called, true, strict=True)
        ],
        "f1": [interval_of(f1[:, index]) if present else None for index, present in enumerate(true)],
    }


def _noise_level(
    sd: float, probabilities: npt.NDArray[np.float32], label: npt.NDArray[np.int64], settings: EvaluateSettings
) -> dict[str, Any]:
    """Compute a point of the noise-level curve: probabilities float32[n, 5]."""
    resampled = resampled_confusions(label, probabilities.argmax(axis=1), settings.resamples, settings.seed)
    return {
        "sd": sd,
        **measure(probabilities, label),
        "intervals": {"accuracy": interval_of(accuracy_of(resampled)), "macro_f1": interval_of(macro_f1_of(resampled))},
    }


def _unsteadiness(predict: Predict, beats: Beats, probabilities: npt.NDArray[np.float32]) -> float:
    """Compute how much a tiny change moves the answers: the mean over beats of the largest change of a probability.

    A network's output moves about as little as its input. One that adds noise when serving draws new noise for every
    change of a beat, and moves by much more.
    """
    less = np.float32(1 - NUDGE)
    context = None if beats.context is None else beats.context[:PROBED] * less
    nudged = predict(beats.signal[:PROBED] * less, context)
    return float(np.abs(nudged - probabilities[:PROBED]).max(axis=1).mean())


def _certainty(
    probabilities: npt.NDArray[np.float32], label: npt.NDArray[np.int64], certainty: Certainty, kind: str
) -> dict[str, Any]:
    """Compute what the temperature corrects, what abstaining gains, and what favouring rare classes costs.

    `probabilities` are float32[answers, n, 5], on beats of this `kind`: `clean` or `noisy`.
    """
    pooled, truth = probabilities.reshape(-1, len(CLASSES)), np.tile(label, len(probabilities))
    right = pooled.argmax(axis=1) == truth
    kept = pooled.max(axis=1) >= np.float32(certainty.threshold)
    uncalibrated = probabilities[0].astype(np.float64) ** certainty.temperature
    uncalibrated /= uncalibrated.sum(axis=1, keepdims=True)
    _, error_before = reliability(uncalibrated.max(axis=1), uncalibrated.argmax(axis=1) == label)
    shift = certainty.shifts[kind]
    shifted = confusion_matrix(truth, shifted_classes(pooled, np.asarray(certainty.priors), shift))
    recall, _, _ = class_rates(shifted)
    return {
        "before": {"ece": error_before},
        "kept": float(kept.mean()),
        "kept_accuracy": float(right[kept].mean()) if kept.any() else None,
        "shift": shift,
        "shifted_accuracy": float(accuracy_of(shifted)),
        "shifted_mean_recall": float(np.nanmean(recall)),
    }


def judge_records(
    label: npt.NDArray[np.int64],
    predicted: npt.NDArray[np.int64],
    record: Sequence[str],
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """Measure a model's classes, int64[n], against the true ones, record by record and over all of them.

    Beats of one record get similar answers, so their number says little about the next person. A resample draws
    whole records with replacement; the model and `all N` are compared on the same draws.

    Returns `records`, a row each; for `model` and `all_n` gross figures, the `average` over records, and 95 %
    `intervals` over records; `difference`, intervals of the model's figures less those of `all N`.
    """
    names, index = np.unique(np.array(record, np.str_), return_inverse=True)
    cells = np.zeros((len(names), len(CLASSES), len(CLASSES)), np.int64)
    np.add.at(cells, (index, label, predicted), 1)
    drawn = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    resampled = np.tensordot(drawn, cells, axes=1)
    return {
        "records": [_row(str(name), counts) for name, counts in zip(names, cells, strict=True)],
        "model": _figures(cells, resampled),
        "all_n": _figures(all_n(cells), all_n(resampled)),
        "difference": {
            name: interval_of(metric(resampled) - metric(all_n(resampled)))
            for name, metric in METRICS_OF_RECORDS.items()
        },
    }


def _row(name: str, counts: npt.NDArray[np.int64]) -> dict[str, Any]:
    recall, precision, _ = class_rates(counts)
    return {
        "record": name,
        "beats": counts.sum(axis=1).tolist(),
        "accuracy": float(accuracy_of(counts)),
        "all_n": float(accuracy_of(all_n(counts))),
        "recall": per_class(recall),
        "precision": per_class(precision),
    }


def _figures(cells: npt.NDArray[np.int64], resampled: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Compute the figures of int64[records, 5, 5] together, and intervals from int64[resamples, 5, 5]."""
    gross = cells.sum(axis=0)
    rates = dict(zip(("recall", "precision", "f1"), class_rates(gross), strict=True))
    of_draws = dict(zip(rates, class_rates(resampled), strict=True))
    return {
        **{name: float(metric(gross)) for name, metric in METRICS_OF_RECORDS.items()},
        **{name: per_class(values) for name, values in rates.items()},
        "average": {"accuracy": float(accuracy_of(cells).mean())},
        "intervals": {
            **{name: interval_of(metric(resampled)) for name, metric in METRICS_OF_RECORDS.items()},
            **{
                name: [interval_of(each[:, k]) if gross[k].sum() else None for k in range(len(CLASSES))]
                for name, each in of_draws.items()
            },
        },
    }
