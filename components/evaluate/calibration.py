"""Whether a model is right as often as its probabilities say: reliability, calibration error, what chance allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

BINS = 15
"""Equal bins of confidence over 0..1: the count that published calibration errors use."""

BAND_PERCENTILES = (5, 95)


@dataclass(frozen=True)
class Bin:
    """Beats whose confidence lies in (low, high]; the means are None where there are none."""

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


def _bin_of(confidence: npt.NDArray[np.floating]) -> npt.NDArray[np.int64]:
    return np.clip(np.ceil(np.asarray(confidence, np.float64) * BINS).astype(np.int64) - 1, 0, BINS - 1)


def _error(gap: npt.NDArray[Any], rows: int) -> npt.NDArray[np.float64]:
    """Compute the ECE from per-bin sums of (right - confidence): float64[..., 15] -> float64[...]."""
    return np.abs(gap).sum(axis=-1) / rows


def reliability(confidence: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]) -> tuple[list[Bin], float]:
    """Compare the stated with the real accuracy.

    Args:
        confidence: float[n], the probability of the predicted class.
        right: bool[n], whether the prediction was true.

    Returns:
        The 15 bins, and the expected calibration error: the mean gap, weighted by the beats in each bin.
    """
    bin_of = _bin_of(confidence)
    count = np.bincount(bin_of, minlength=BINS)
    stated = np.bincount(bin_of, weights=confidence, minlength=BINS)
    hits = np.bincount(bin_of, weights=right, minlength=BINS)
    bins = [
        Bin(
            low=index / BINS,
            high=(index + 1) / BINS,
            count=int(count[index]),
            confidence=float(stated[index] / count[index]) if count[index] else None,
            accuracy=float(hits[index] / count[index]) if count[index] else None,
        )
        for index in range(BINS)
    ]
    return bins, float(_error(hits - stated, len(confidence)))


def chance_band(confidence: npt.NDArray[np.floating], resamples: int, seed: int) -> tuple[float, float]:
    """Compute the 5-95 % band of the ECE that a perfectly calibrated model with these confidences shows by chance.

    Args:
        confidence: float[n], the probability of the predicted class.
        resamples: how many times the beats' outcomes are drawn from their confidences.
        seed: of the drawing.
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
    """Compute everything a reliability diagram needs, as plain numbers.

    Args:
        probabilities: float[n, 5].
        label: int64[n], the true classes 0..4.
        resamples: of the chance band.
        seed: of the chance band.

    Returns:
        {"bins": [Bin as a dict], "ece": float, "band": [5 %, 95 %]}
    """
    confidence = probabilities.max(axis=1)
    bins, ece = reliability(confidence, probabilities.argmax(axis=1) == label)
    return {"bins": [vars(one) for one in bins], "ece": ece, "band": list(chance_band(confidence, resamples, seed))}


def coverage_curve(
    probabilities: npt.NDArray[np.floating], label: npt.NDArray[np.int64], points: int = 101
) -> list[dict[str, float]]:
    """Compute what a model gains by abstaining where it is least sure.

    Args:
        probabilities: float[n, 5].
        label: int64[n], the true classes 0..4.
        points: how many equal steps of coverage from 1/(points - 1) to 1.

    Returns:
        By growing coverage: {"coverage": share answered, "confidence": the least confidence answered, "accuracy"}.
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
