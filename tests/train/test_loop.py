"""Loss, accuracy and macro-F1 on cases that can be worked out by hand."""

import numpy as np
import pytest

from components.train.loop import logit_metrics


def logits_of(predicted: list[int], certainty: float = 50.0) -> np.ndarray:
    return certainty * np.eye(5, dtype=np.float32)[predicted]


def test_all_right():
    assert logit_metrics(logits_of([0, 1, 2, 3, 4]), np.arange(5)) == {
        "loss": pytest.approx(0),
        "accuracy": 1,
        "macro_f1": 1,
    }


def test_one_of_four_wrong():
    found = logit_metrics(logits_of([0, 0, 1, 0]), np.asarray([0, 0, 1, 1]))
    assert found["accuracy"] == 0.75
    assert found["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)  # N: 2 of 3 right, none missed; S: 1 of 2 found
    assert found["loss"] == pytest.approx(50 / 4)


def test_a_class_that_is_predicted_but_does_not_occur_counts_against_the_others_alone():
    assert logit_metrics(logits_of([0, 4]), np.asarray([0, 0]))["macro_f1"] == pytest.approx(2 / 3)


def test_knowing_nothing_costs_the_logarithm_of_the_classes():
    assert logit_metrics(np.zeros((10, 5), np.float32), np.arange(10) % 5)["loss"] == pytest.approx(np.log(5))


def test_very_certain_answers_do_not_overflow():
    assert logit_metrics(logits_of([0, 1], 1e5), np.asarray([0, 0]))["loss"] == pytest.approx(5e4)
