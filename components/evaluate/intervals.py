"""How far chance may move a metric from its true value: Wilson intervals and bootstraps over beats.

A resample draws beats with replacement. All metrics here are functions of counts, so beats with the same answers are
drawn together, by one multinomial: the same distribution as drawing rows, at a hundredth of the cost. If one beat
was answered several times (the draws of noise), the beat is drawn with all its answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES

Interval = tuple[float, float]
"""Lower and upper end."""

Z_95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""

PERCENTILES_95 = (2.5, 97.5)

Metric = Callable[[npt.NDArray[Any]], npt.NDArray[np.float64]]
"""A metric of confusion matrices: counts [..., 5, 5] -> float64[...]."""


def wilson(hits: float, trials: float) -> Interval | None:
    """Compute Wilson's 95 % score interval of a share, or None without a trial.

    SciPy's needs whole hits; here a beat that was answered several times is one trial with a fraction of a hit.
    """
    if trials <= 0:
        return None
    share, spread = hits / trials, Z_95**2 / trials
    centre = (share + spread / 2) / (1 + spread)
    half = Z_95 * np.sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def _resampled(cells: npt.NDArray[np.int64], size: int, resamples: int, seed: int) -> npt.NDArray[np.int64]:
    """Draw beats with replacement and count the answers in each cell, int64[resamples, size].

    `cells`, int64[n, answers], has the cell below `size` that each answer to each beat falls into.
    """
    patterns, times = np.unique(np.sort(cells, axis=1), axis=0, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(cells), times / len(cells), size=resamples)
    filled = np.zeros((len(patterns), size), dtype=np.int64)
    np.add.at(filled, (np.arange(len(patterns))[:, None], patterns), 1)
    # float64 products of counts below 2**53 are exact, and use the fast matrix product
    return np.rint(drawn.astype(np.float64) @ filled.astype(np.float64)).astype(np.int64)


def resampled_confusions(
    label: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], resamples: int, seed: int
) -> npt.NDArray[np.int64]:
    """Compute the confusion matrices of resampled beats, int64[resamples, 5, 5], rows the truth.

    `label` is int64[n], the true classes; `predicted` int64[n] or int64[answers, n].
    """
    classes = len(CLASSES)
    cells = (label * classes + np.atleast_2d(predicted)).T
    return _resampled(cells, classes**2, resamples, seed).reshape(resamples, classes, classes)


def interval_of(values: npt.NDArray[np.float64]) -> Interval:
    """Take the middle 95 % of resampled values; resamples in which the metric is undefined (nan) are left out."""
    low, high = np.nanpercentile(values, PERCENTILES_95)
    return float(low), float(high)


def paired_bootstrap(
    label: npt.NDArray[np.int64],
    predicted_new: npt.NDArray[np.int64],
    predicted_old: npt.NDArray[np.int64],
    metric: Metric,
    seed: int,
    resamples: int = 2000,
) -> Interval:
    """Compute the 95 % interval of metric(new) - metric(old) when both models answer the same resampled beats.

    `label` is int64[n], the true classes, and so are those that the two predict.
    """
    classes = len(CLASSES)
    cells = (label * classes + predicted_new) * classes + predicted_old
    joint = _resampled(cells[:, None], classes**3, resamples, seed).reshape(resamples, classes, classes, classes)
    return interval_of(metric(joint.sum(axis=3)) - metric(joint.sum(axis=2)))
