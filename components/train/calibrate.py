"""What a model is unsure of: the temperature that makes its probabilities true, and when it would rather not say.

Both are learnt on the eval split, before the last epochs learn from it, too, and served with the model; so is how far
the rare classes must be favoured for all to be found alike, which is only told. Source of the temperature: Guo et
al., "On Calibration of Modern Neural Networks", 2017; of the shift: Menon et al., "Long-tail learning via logit
adjustment", 2021.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES

if TYPE_CHECKING:
    from components.train.spool import Spool
    from components.train.validation import Predictor

FILE: Final = "certainty.json"

LOWEST, HIGHEST = 0.2, 5.0
"""Temperatures that are looked at; outside of them a model is beyond repair."""

STEPS: Final = 60
"""Of the search, each of which narrows it by 0.618: to far below a float32's precision."""


ONE_SIDED_95: Final = 1.6448536269514722
"""95 % quantile of the normal distribution."""

SHIFTS: Final = tuple(step / 20 for step in range(41))
"""Shifts that are tried: 0 is the class most probable here, 1 the class most probable if all were as common, and above
it rare classes are favoured still more."""


@dataclass(frozen=True)
class Certainty:
    """How a model's logits become what it says.

    Attributes:
        temperature: that the logits are divided by.
        threshold: the model abstains where its largest probability is below; 0 never abstains.
        priors: share of each class in the eval split.
        shifts: "clean" and "noisy" -> the power of the priors that probabilities are divided by so that classes are
            found alike.
    """

    temperature: float
    threshold: float
    priors: tuple[float, ...]
    shifts: dict[str, float]


UNCALIBRATED: Final = Certainty(1.0, 0.0, (1 / len(CLASSES),) * len(CLASSES), {"clean": 0.0, "noisy": 0.0})
"""Of a model that says what its logits say, and never abstains."""


def learn_certainty(
    predict: Predictor, validation: Spool, weight: npt.NDArray[np.float64], accuracy: float, recall: float
) -> Certainty:
    """All of it, from the eval split.

    Args:
        predict: the trained network.
        validation: the eval split, columns `signal` and `noisy`, normalised.
        weight: float64[n], how much each of its beats counts for the temperature, which unlike threshold and shift has
            no interval to allow for the split's luck.
        accuracy: that the model is to have on the clean beats which it answers, a share.
        recall: that the classes' mean is to have at the shift, a share.
    """
    logits = {"clean": predict(validation.columns["signal"]), "noisy": predict(validation.columns["noisy"])}
    label = validation.label
    temperature = fit_temperature(np.concatenate(list(logits.values())), np.tile(label, 2), np.tile(weight, 2))
    told = {kind: softmax(of / np.float32(temperature)) for kind, of in logits.items()}
    priors = np.bincount(label, minlength=len(CLASSES)) / len(label)
    return Certainty(
        temperature,
        abstention_threshold(told["clean"], label, accuracy),
        tuple(priors.tolist()),
        {kind: prior_shift(probabilities, label, priors, recall) for kind, probabilities in told.items()},
    )


def fit_temperature(
    logits: npt.NDArray[np.float32], label: npt.NDArray[np.int64], weight: npt.NDArray[np.float64]
) -> float:
    """The temperature with the least weighted cross-entropy, by golden section; the cross-entropy has one minimum.

    Args:
        logits: float32[n, 5].
        label: int64[n], 0..4.
        weight: float64[n], how much each counts.
    """

    def loss(log_temperature: float) -> float:
        scaled = logits.astype(np.float64) / np.exp(log_temperature)
        top = scaled.max(axis=1)
        spread = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
        return float(np.average(spread - scaled[np.arange(len(label)), label], weights=weight))

    golden = (np.sqrt(5) - 1) / 2
    low, high = np.log(LOWEST), np.log(HIGHEST)
    for _ in range(STEPS):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def abstention_threshold(
    probabilities: npt.NDArray[np.float32], label: npt.NDArray[np.int64], accuracy: float
) -> float:
    """The least certainty at which answers are as right as asked, chance allowed for.

    Beats are answered from the surest down, to the last one at which the lower end of a one-sided 95 % interval of
    their accuracy is what is asked; where there are too few beats for that (under 598 for 99.5 %), their accuracy.

    Args:
        probabilities: float32[n, 5].
        label: int64[n], 0..4.
        accuracy: asked for, a share.

    Returns:
        The threshold; 0 where all may be answered, above 1 where none may.
    """
    from scipy.stats import beta

    certainty = probabilities.max(axis=1)
    order = np.argsort(-certainty, kind="stable")
    answered = np.arange(1, len(label) + 1)
    hits = np.cumsum((probabilities.argmax(axis=1) == label)[order])
    # The lower end of a one-sided 95 % interval of Clopper and Pearson, where so many beats could show as much at all.
    least = beta.ppf(0.05, hits, answered - hits + 1) if 0.05 ** (1 / len(label)) >= accuracy else hits / answered
    enough = np.flatnonzero(least >= accuracy)
    if not len(enough):
        return float(np.nextafter(np.float32(1), np.float32(2)))
    return 0.0 if enough[-1] == len(label) - 1 else float(certainty[order[enough[-1]]])


def prior_shift(
    probabilities: npt.NDArray[np.float32], label: npt.NDArray[np.int64], priors: npt.NDArray[np.float64], recall: float
) -> float:
    """The least shift at which the mean recall is what is asked, chance allowed for; else the one that comes nearest.

    Args:
        probabilities: float32[n, 5].
        label: int64[n], 0..4.
        priors: float64[5].
        recall: asked of the lower end of a one-sided 95 % interval of the mean over the classes that occur.
    """
    counts = np.bincount(label, minlength=len(CLASSES))
    present = counts > 0

    def least(shift: float) -> float:
        hits = np.bincount(label, shifted_classes(probabilities, priors, shift) == label, minlength=len(CLASSES))
        found = hits[present] / counts[present]
        spread = np.sqrt((found * (1 - found) / counts[present]).sum()) / present.sum()
        return float(found.mean() - ONE_SIDED_95 * spread)

    reached = [least(shift) for shift in SHIFTS]
    enough = [shift for shift, least_recall in zip(SHIFTS, reached, strict=True) if least_recall >= recall]
    return enough[0] if enough else SHIFTS[int(np.argmax(reached))]


def shifted_classes(
    probabilities: npt.NDArray[np.float32], priors: npt.NDArray[np.float64], shift: float
) -> npt.NDArray[np.int64]:
    """The class of each beat, int64[n], when probabilities float32[n, 5] are divided by a power of float64[5] priors.

    A class that the priors do not know is never answered.
    """
    weights = np.divide(1.0, priors**shift, out=np.zeros(len(priors)), where=priors > 0)
    chosen: npt.NDArray[np.int64] = (probabilities * weights).argmax(axis=1)
    return chosen


def softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Probabilities float32[n, 5] of logits float32[n, 5]."""
    grown = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: npt.NDArray[np.float32] = grown / grown.sum(axis=1, keepdims=True)
    return shares


def read_certainty(model_run_dir: str) -> Certainty:
    """Read `certainty.json` from the directory of a training run; local or remote."""
    import tensorflow as tf

    with tf.io.gfile.GFile(f"{model_run_dir}/{FILE}", "r") as file:
        told = json.loads(file.read())
    return Certainty(**(told | {"priors": tuple(told["priors"])}))


def write_certainty(certainty: Certainty, model_run_dir: str) -> None:
    """Write `certainty.json` into the directory of a training run; local or remote."""
    import tensorflow as tf

    with tf.io.gfile.GFile(f"{model_run_dir}/{FILE}", "w") as file:
        file.write(json.dumps(asdict(certainty)) + "\n")
