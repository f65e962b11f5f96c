from __future__ import annotations

import numpy as np
import pytest

from components.evaluate.calibration import BINS, calibration, chance_band, coverage_curve, reliability


def test_hand_worked_reliability():
    confidence = np.array([0.55, 0.58, 0.95, 0.99, 1.0])
    right = np.array([True, False, True, True, False])
    bins, ece = reliability(confidence, right)
    assert [one["count"] for one in bins if one["count"]] == [2, 3]
    low, high = (one for one in bins if one["count"])
    assert (low["accuracy"], low["confidence"]) == (pytest.approx(0.5), pytest.approx(0.565))
    assert (high["accuracy"], high["confidence"]) == (pytest.approx(2 / 3), pytest.approx(0.98))
    assert ece == pytest.approx((2 * abs(0.5 - 0.565) + 3 * abs(2 / 3 - 0.98)) / 5)
    assert bins[0]["accuracy"] is None


def test_bins_are_open_below_and_closed_above():
    bins, _ = reliability(np.array([0.2, 0.4, 1.0]), np.ones(3, bool))  # 3/15, 6/15 and the top
    assert [index for index, one in enumerate(bins) if one["count"]] == [2, 5, BINS - 1]


def drawn(rng, rows):
    """Confidences, and outcomes that are right exactly as often as the confidences say."""
    confidence = rng.uniform(0.5, 1.0, rows) ** 0.3
    return confidence, rng.random(rows) < confidence


def test_band_holds_the_error_of_calibrated_models_nine_times_in_ten():
    rng = np.random.default_rng(0)
    inside = 0
    for seed in range(200):
        confidence, right = drawn(rng, 400)
        low, high = chance_band(confidence, 200, seed)
        inside += low <= reliability(confidence, right)[1] <= high
    assert 0.83 < inside / 200 < 0.96


def test_a_model_that_says_too_much_lies_above_the_band():
    confidence, right = drawn(np.random.default_rng(1), 5000)
    boast = confidence**0.2
    assert reliability(boast, right)[1] > chance_band(boast, 200, 0)[1]


def test_calibration_of_probabilities_counts_every_beat():
    rng = np.random.default_rng(2)
    told = calibration(rng.dirichlet([1] * 5, 300), rng.integers(0, 5, 300), 100, 0)
    assert sum(one["count"] for one in told["bins"]) == 300
    assert len(told["bins"]) == BINS
    assert told["ece"] > told["band"][1] > told["band"][0] > 0  # random answers with much confidence


def test_coverage_answers_the_surest_first():
    probabilities = np.full((4, 5), 0.01)
    probabilities[:, 0] = [0.9, 0.6, 0.8, 0.7]
    curve = coverage_curve(probabilities, np.array([0, 1, 0, 0]), points=5)
    assert [point["coverage"] for point in curve] == [0.25, 0.5, 0.75, 1.0]
    assert [point["accuracy"] for point in curve] == [1.0, 1.0, 1.0, 0.75]
    assert [point["confidence"] for point in curve] == [0.9, 0.8, 0.7, 0.6]
