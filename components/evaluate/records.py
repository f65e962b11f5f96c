"""How a model does on people: per record, with intervals over records, beside calling every beat N.

Beats of one record are answered alike, so that their number says little about the next person. A resample draws whole
records with replacement; the model and `all N` are compared on the same draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES
from components.evaluate.intervals import Metric, interval_of
from components.evaluate.metrics import accuracy_of, class_rates, per_class

NAMED: Final = CLASSES[:3]
"""Classes that every patient's recording may have: F is rare, Q is what has no class."""


def named_f1_of(confusion: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Compute the mean F1 of N, S and V, those that occur: counts [..., 5, 5] -> float64[...]."""
    return np.nanmean(class_rates(confusion)[2][..., : len(NAMED)], axis=-1)


METRICS: Final[dict[str, Metric]] = {"accuracy": accuracy_of, "named_f1": named_f1_of}
"""What a model must have more of than `all N`."""


def all_n(confusion: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the confusion matrices that calling every beat N gives on beats with the same true classes."""
    called = np.zeros_like(confusion)
    called[..., 0] = np.sum(confusion, axis=-1)
    return called


def judge_records(
    label: npt.NDArray[np.int64],
    predicted: npt.NDArray[np.int64],
    record: Sequence[str],
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """Measure a model's classes, int64[n], against the true ones, record by record and over all of them.

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
            name: interval_of(metric(resampled) - metric(all_n(resampled))) for name, metric in METRICS.items()
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
        **{name: float(metric(gross)) for name, metric in METRICS.items()},
        **{name: per_class(values) for name, values in rates.items()},
        "average": {"accuracy": float(accuracy_of(cells).mean())},
        "intervals": {
            **{name: interval_of(metric(resampled)) for name, metric in METRICS.items()},
            **{
                name: [interval_of(each[:, k]) if gross[k].sum() else None for k in range(len(CLASSES))]
                for name, each in of_draws.items()
            },
        },
    }
