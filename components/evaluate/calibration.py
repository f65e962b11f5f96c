"""Whether a model is right as often as its probabilities say: reliability, calibration error, its range by chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

BINS = 15
"""Number of equal bins of confidence over 0..1, as in published calibration errors."""

BAND_PERCENTILES = (5, 95)


def _bin_of(confidence: npt.NDArray[np.floating]) -> npt.NDArray[np.int64]:
    return np.clip(np.ceil(np.asarray(confidence, np.float64) * BINS).astype(np.int64) - 1, 0, BINS - 1)


def _error(gap: npt.NDArray[Any], rows: int) -> npt.NDArray[np.float64]:
    """Compute the ECE from per-bin sums of (right - confidence): float64[..., 15] -> float64[...]."""
    return np.abs(gap).sum(axis=-1) / rows


def reliability(
    confidence: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]
) -> tuple[list[dict[str, Any]], float]:
    """Compare the stated accuracy, float[n] of the predicted classes, with the real one, bool[n].

    Returns the 15 bins, each with the beats whose confidence lies in (low, high] (None for means of no beats), and the
    expected calibration error: the mean gap, weighted by the beats in each bin.
    """
    bin_of = _bin_of(confidence)
    count = np.bincount(bin_of, minlength=BINS)
    stated = np.bincount(bin_of, weights=confidence, minlength=BINS)
    hits = np.bincount(bin_of, weights=right, minlength=BINS)
    bins = [
        {
            "low": index / BINS,
            "high": (index + 1) / BINS,
            "count": int(count[index]),
            "confidence": float(stated[index] / count[index]) if count[index] else None,
            "accuracy": float(hits[index] / count[index]) if count[index] else None,
        }
        for index in range(BINS)
    ]
    return bins, float(_error(hits - stated, len(confidence)))


def chance_band(confidence: npt.NDArray[np.floating], resamples: int, seed: int) -> tuple[float, float]:
    """Compute the 5-95 % band of the ECE that a perfectly calibrated model with these confidences shows by chance.

    `confidence`, float[n], is that of the predicted classes; outcomes are drawn from it `resamples` times.
    """
    rng = np.random.default_rng(seed)
    bin_of = _bin_of(confidence)
    order = np.argsort(bin_of, kind="stable")
    sure, edges = np.asarray(confidence, np.float64)[order], np.searchsorted(bin_of[order], np.arange(BINS + 1))
    filled = [index for index in range(BINS) if edges[index] < edges[index + 1]]
    starts, stated = edges[filled], np.add.reduceat(sure, edges[filled])
    errors = [
        _error(np.add.reduceat((rng.random(len(sure)) < sure).astype(np.float64), starts) - stated, len(sure))
        for _ in range(resamples)
    ]
    low, high = np.percentile(errors, BAND_PERCENTILES)
    return float(low), float(high)


def calibration(
    probabilities: npt.NDArray[np.floating], label: npt.NDArray[np.int64], resamples: int, seed: int
) -> dict[str, Any]:
    """Compute everything a reliability diagram needs, from probabilities float[n, 5] and the true classes int64[n].

    Returns `bins` and `ece` of `reliability`, and `band`, the ends of `chance_band`.
    """
    confidence = probabilities.max(axis=1)
    bins, ece = reliability(confidence, probabilities.argmax(axis=1) == label)
    return {"bins": bins, "ece": ece, "band": list(chance_band(confidence, resamples, seed))}


def coverage_curve(
    probabilities: npt.NDArray[np.floating], label: npt.NDArray[np.int64], points: int = 101
) -> list[dict[str, float]]:
    """Compute what a model gains by abstaining when least confident: probabilities float[n, 5], true int64[n].

    Returns up to `points` - 1 steps of growing `coverage`, the share answered, with the least `confidence`
    answered, and the `accuracy` of the answers.
    """
    confidence = probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    hits = np.cumsum((probabilities.argmax(axis=1) == label)[order])
    answered = np.unique(np.ceil(np.linspace(0, 1, points)[1:] * len(label)).astype(np.int64))
    return [
        {
            "coverage": float(count / len(label)),
            "confidence": float(confidence[order[count - 1]]),
            "accuracy": float(hits[count - 1] / count),
        }
        for count in answered
    ]
