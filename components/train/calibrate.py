"""Calibration on the eval split: the temperature of the probabilities, and when the model abstains.

Both are served with the model. The shift that would balance the recall of all classes is also estimated, but only
reported. The temperature is that of Guo et al., "On Calibration of Modern Neural Networks", 2017; the shift that of
Menon et al., "Long-tail learning via logit adjustment", 2021.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES
from components.io.artifact_files import CERTAINTY, read_json, write_json

if TYPE_CHECKING:
    from components.train.data import Spool
    from components.train.loop import Predictor

LOWEST, HIGHEST = 0.2, 5.0
"""Range of temperatures searched; a model that needs another is beyond repair."""

ONE_SIDED_95: Final = 1.6448536269514722
"""95 % quantile of the normal distribution."""

SHIFTS: Final = tuple(step / 20 for step in range(41))
"""Shifts tried: 0 picks the class most probable here, 1 the class most probable if all were equally common, and above
1 rare classes are favoured even more."""


@dataclass(frozen=True)
class Certainty:
    """How a model's logits become its answers.

    Attributes:
        temperature: the logits are divided by it.
        threshold: the model abstains if its largest probability is lower; at 0 it never abstains.
        priors: share of each class in the eval split.
        shifts: "clean" and "noisy" -> the power of the priors that the probabilities are divided by to find the classes
            equally often.
    """

    temperature: float
    threshold: float
    priors: tuple[float, ...]
    shifts: dict[str, float]


UNCALIBRATED: Final = Certainty(1.0, 0.0, (1 / len(CLASSES),) * len(CLASSES), {"clean": 0.0, "noisy": 0.0})
"""For a model whose probabilities are the softmax of its logits and which never abstains."""


def learn_certainty(
    predict: Predictor, validation: Spool, weight: npt.NDArray[np.float64], accuracy: float, recall: float
) -> Certainty:
    """Calibrate a network on the eval split.

    Args:
        predict: the trained network.
        validation: the eval split, columns `signal` and `noisy`, normalised.
        weight: float64[n], weight of each beat in fitting the temperature; unlike the threshold and the shift,
            it has no interval to allow for a lucky split.
        accuracy: required on the clean beats that the model answers, a share.
        recall: mean over the classes required at the shift, a share.
    """
    from scipy.special import softmax

    logits = {"clean": predict(validation.columns["signal"]), "noisy": predict(validation.columns["noisy"])}
    label = validation.label
    temperature = fit_temperature(np.concatenate(list(logits.values())), np.tile(label, 2), np.tile(weight, 2))
    probabilities = {kind: softmax(each / np.float32(temperature), axis=1) for kind, each in logits.items()}
    priors = np.bincount(label, minlength=len(CLASSES)) / len(label)
    return Certainty(
        temperature,
        abstention_threshold(probabilities["clean"], label, accuracy),
        tuple(priors.tolist()),
        {kind: prior_shift(each, label, priors, recall) for kind, each in probabilities.items()},
    )


def fit_temperature(
    logits: npt.NDArray[np.float32], label: npt.NDArray[np.int64], weight: npt.NDArray[np.float64]
) -> float:
    """Find the temperature with the least weighted cross-entropy, which has one minimum.

    Args:
        logits: float32[n, 5].
        label: int64[n], 0..4.
        weight: float64[n], of each beat.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    rows = np.arange(len(label))

    def loss(log_temperature: float) -> float:
        scaled = logits.astype(np.float64) / np.exp(log_temperature)
        return -float(np.average(log_softmax(scaled, axis=1)[rows, label], weights=weight))

    bounds = (np.log(LOWEST), np.log(HIGHEST))
    minimum = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-9})
    return float(np.exp(minimum.x))


def abstention_threshold(
    probabilities: npt.NDArray[np.float32], label: npt.NDArray[np.int64], accuracy: float
) -> float:
    """Find the least probability at which answers reach the required accuracy, with a margin for chance.

    Beats are answered, most confident first, to the last one at which the lower end of a one-sided 95 % interval of
    their accuracy is as required; with too few beats for that (under 598 for 99.5 %), their accuracy itself.

    Args:
        probabilities: float32[n, 5].
        label: int64[n], 0..4.
        accuracy: required, a share.

    Returns:
        The threshold; 0 if all may be answered, above 1 if none may.
    """
    from scipy.stats import beta

    certainty = probabilities.max(axis=1)
    order = np.argsort(-certainty, kind="stable")
    answered = np.arange(1, len(label) + 1)
    hits = np.cumsum((probabilities.argmax(axis=1) == label)[order])
    # The lower end of a one-sided 95 % Clopper-Pearson interval, if there are enough beats for it to reach that.
    lowest = beta.ppf(0.05, hits, answered - hits + 1) if 0.05 ** (1 / len(label)) >= accuracy else hits / answered
    enough = np.flatnonzero(lowest >= accuracy)
    if not len(enough):
        return float(np.nextafter(np.float32(1), np.float32(2)))
    return 0.0 if enough[-1] == len(label) - 1 else float(certainty[order[enough[-1]]])


def prior_shift(
    probabilities: npt.NDArray[np.float32], label: npt.NDArray[np.int64], priors: npt.NDArray[np.float64], recall: float
) -> float:
    """Find the least shift at which the mean recall is as required, with a margin for chance.

    Args:
        probabilities: float32[n, 5].
        label: int64[n], 0..4.
        priors: float64[5].
        recall: required of the lower end of a one-sided 95 % interval of the mean over the classes that occur.

    Returns:
        The shift; the closest one if none is enough.
    """
    counts = np.bincount(label, minlength=len(CLASSES))
    present = counts > 0

    def lowest_recall(shift: float) -> float:
        hits = np.bincount(label, shifted_classes(probabilities, priors, shift) == label, minlength=len(CLASSES))
        recalls = hits[present] / counts[present]
        spread = np.sqrt((recalls * (1 - recalls) / counts[present]).sum()) / present.sum()
        return float(recalls.mean() - ONE_SIDED_95 * spread)

    reached = [lowest_recall(shift) for shift in SHIFTS]
    enough = [shift for shift, value in zip(SHIFTS, reached, strict=True) if value >= recall]
    return enough[0] if enough else SHIFTS[int(np.argmax(reached))]


def shifted_classes(
    probabilities: npt.NDArray[np.float32], priors: npt.NDArray[np.float64], shift: float
) -> npt.NDArray[np.int64]:
    """Choose each beat's class, int64[n], when probabilities float32[n, 5] are divided by a power of float64[5] priors.

    A class whose prior is 0 is never chosen.
    """
    weights = np.divide(1.0, priors**shift, out=np.zeros(len(priors)), where=priors > 0)
    chosen: npt.NDArray[np.int64] = (probabilities * weights).argmax(axis=1)
    return chosen


def read_certainty(model_run_dir: str) -> Certainty:
    """Read `certainty.json` from the directory of a training run; local or remote."""
    content = read_json(model_run_dir, CERTAINTY)
    return Certainty(**(content | {"priors": tuple(content["priors"])}))


def write_certainty(certainty: Certainty, model_run_dir: str) -> None:
    """Write `certainty.json` into the directory of a training run; local or remote."""
    write_json(model_run_dir, CERTAINTY, asdict(certainty))
