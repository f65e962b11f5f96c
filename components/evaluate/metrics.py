"""How good predictions are: the metrics used by every table, gate and report.

A class without true beats has no recall, precision or F1 (None) and is not in the macro average.
A class with true beats that is never predicted has recall 0, precision 0 and F1 0, and counts in the average.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, confusion_matrix
from components.evaluate.intervals import Metric

KERAS_EPSILON = 1e-7
"""Probabilities are clipped this far from 0 and 1 before their logarithm is taken, as Keras does."""

NAMED: Final = CLASSES[:3]
"""Classes that any patient's recording may have: F is rare, Q is unclassifiable."""

PerClass = list[float | None]
"""One number per class, in the order of CLASSES; None if the class has no true beat."""


def _ratio(part: npt.NDArray[np.float64], whole: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def class_rates(
    confusion: npt.NDArray[Any],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Compute recall, precision and F1 of every class: counts [..., 5, 5], rows the truth -> three float64[..., 5].

    They are nan if the class has no true beat in that matrix.
    """
    counts = np.asarray(confusion, dtype=np.float64)
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    true, called = counts.sum(-1), counts.sum(-2)
    absent = true == 0
    rates = (_ratio(hits, true), _ratio(hits, called), _ratio(2 * hits, true + called))
    recall, precision, f1 = (np.where(absent, np.nan, rate) for rate in rates)
    return recall, precision, f1


def accuracy_of(confusion: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Compute the accuracy of one or many confusion matrices: counts [..., 5, 5] -> float64[...]."""
    counts = np.asarray(confusion, dtype=np.float64)
    return np.trace(counts, axis1=-2, axis2=-1) / counts.sum((-2, -1))


def macro_f1_of(confusion: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Compute the mean F1 of the classes with true beats: counts [..., 5, 5] -> float64[...]."""
    _, _, f1 = class_rates(confusion)
    return np.nanmean(f1, axis=-1)


def named_f1_of(confusion: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Compute the mean F1 of those of N, S and V that occur: counts [..., 5, 5] -> float64[...]."""
    return np.nanmean(class_rates(confusion)[2][..., : len(NAMED)], axis=-1)


METRICS_OF_RECORDS: Final[dict[str, Metric]] = {"accuracy": accuracy_of, "named_f1": named_f1_of}
"""Metrics in which a model must exceed `all N`."""


def all_n(confusion: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the confusion matrices of calling every beat N, for the same true classes."""
    called = np.zeros_like(confusion)
    called[..., 0] = np.sum(confusion, axis=-1)
    return called


def cross_entropy(probabilities: npt.NDArray[np.floating], label: npt.NDArray[np.int64]) -> float:
    """Compute the mean cross-entropy, natural logarithm, with Keras's clipping: float[n, 5] against int64[n]."""
    of_truth = probabilities[np.arange(len(label)), label].astype(np.float64)
    return float(-np.log(np.clip(of_truth, KERAS_EPSILON, 1 - KERAS_EPSILON)).mean())


def per_class(values: npt.NDArray[np.float64]) -> PerClass:
    """Convert float64[5] to a list with None for nan."""
    return [None if np.isnan(value) else float(value) for value in values]


def measure(probabilities: npt.NDArray[np.floating], label: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Compare predicted probabilities, float[n, 5], with the true classes, int64[n], in plain numbers and lists.

    Raises:
        ValueError: there is no beat, or the two differ in length.
    """
    if len(label) == 0 or probabilities.shape != (len(label), len(CLASSES)):
        raise ValueError(
            f"{len(label)} labels need probabilities of shape ({len(label)}, {len(CLASSES)}), at least one row; "
            f"these have {probabilities.shape}."
        )
    confusion = confusion_matrix(label, probabilities.argmax(axis=1))
    recall, precision, _ = class_rates(confusion)
    return {
        "accuracy": float(accuracy_of(confusion)),
        "loss": cross_entropy(probabilities, label),
        "macro_f1": float(macro_f1_of(confusion)),
        "recall": per_class(recall),
        "precision": per_class(precision),
        "confusion": confusion.tolist(),  # rows are the truth
    }
