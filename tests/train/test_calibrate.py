"""Temperature and threshold, on answers whose truth is known."""

import json

import numpy as np
import pytest
from scipy.special import softmax

from components.beat import CLASSES
from components.train.calibrate import (
    Certainty,
    abstention_threshold,
    fit_temperature,
    prior_shift,
    read_certainty,
    shifted_classes,
    write_certainty,
)


def answers(count: int, spoil: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits and labels: the labels are drawn from the logits' softmax, then the logits are multiplied."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (count, len(CLASSES))).astype(np.float32)
    chosen = (softmax(logits, axis=1).cumsum(axis=1) < rng.random((count, 1))).sum(axis=1)
    return logits * np.float32(spoil), np.minimum(chosen, len(CLASSES) - 1).astype(np.int64)


@pytest.mark.parametrize("spoil", [0.5, 1.0, 2.5])
def test_the_temperature_undoes_what_spoilt_the_logits(spoil):
    logits, label = answers(40_000, spoil)
    assert fit_temperature(logits, label, np.ones(len(label))) == pytest.approx(spoil, rel=0.03)


def test_a_beat_that_counts_twice_is_two_beats():
    (sure, label), (unsure, other) = answers(3_000, 1.0), answers(3_000, 3.0, seed=1)
    both, labels = np.concatenate([sure, unsure]), np.concatenate([label, other])
    weight = np.repeat([1.0, 2.0], 3_000)
    twice = fit_temperature(np.concatenate([both, unsure]), np.concatenate([labels, other]), np.ones(9_000))
    assert fit_temperature(both, labels, weight) == pytest.approx(twice, rel=1e-6)
    assert fit_temperature(both, labels, np.ones(6_000)) < 0.95 * twice


def test_a_temperature_changes_no_answer():
    logits, label = answers(500, 2.0)
    temperature = fit_temperature(logits, label, np.ones(len(label)))
    assert np.array_equal(softmax(logits, axis=1).argmax(axis=1), softmax(logits / temperature, axis=1).argmax(axis=1))


def graded(rights: list[bool]) -> tuple[np.ndarray, np.ndarray]:
    """Answers of falling certainty, right or wrong as listed: probabilities and labels."""
    certainty = np.linspace(0.99, 0.5, len(rights), dtype=np.float32)
    probabilities = np.zeros((len(rights), len(CLASSES)), np.float32)
    probabilities[:, 0] = certainty
    probabilities[:, 1] = 1 - certainty
    return probabilities, np.where(rights, 0, 1).astype(np.int64)


def test_what_is_answered_is_as_right_as_asked_with_chance_allowed_for():
    probabilities, label = graded([True] * 1000 + [False] * 200)
    threshold = abstention_threshold(probabilities, label, 0.9)
    answered = probabilities.max(axis=1) >= threshold
    right = (probabilities.argmax(axis=1) == label)[answered].mean()
    assert right > 0.9
    assert 1000 < answered.sum() < 1111  # 1111 beats would be 90 % right, with nothing to spare


def test_a_model_that_is_right_enough_never_abstains():
    probabilities, label = graded([True] * 1000)
    assert abstention_threshold(probabilities, label, 0.99) == 0


def test_a_model_that_is_never_right_enough_always_abstains():
    probabilities, label = graded([False] * 100)
    assert (probabilities.max(axis=1) < abstention_threshold(probabilities, label, 0.5)).all()


def test_of_too_few_beats_the_accuracy_itself_counts():
    """Twenty right answers do not show that 99.5 % are right."""
    probabilities, label = graded([True] * 19 + [False])
    answered = probabilities.max(axis=1) >= abstention_threshold(probabilities, label, 0.995)
    assert answered.sum() == 19


PRIORS = np.array([0.9, 0.1, 0, 0, 0])


def test_a_shift_favours_the_rare_class_and_never_one_that_does_not_occur():
    probabilities = np.array([[0.8, 0.15, 0.05, 0, 0], [0.99, 0.005, 0.005, 0, 0]], np.float32)
    assert shifted_classes(probabilities, PRIORS, 0).tolist() == [0, 0]
    assert shifted_classes(probabilities, PRIORS, 1).tolist() == [1, 0]


def test_the_least_shift_that_finds_the_classes_alike_is_taken():
    rng = np.random.default_rng(0)
    label = (rng.random(20_000) < 0.1).astype(np.int64)
    rare = 1 / (1 + np.exp(-(rng.normal(0, 1, 20_000) + 4 * label - 2 + np.log(1 / 9))))
    probabilities = np.zeros((20_000, len(CLASSES)), np.float32)
    probabilities[:, 0], probabilities[:, 1] = 1 - rare, rare
    shift = prior_shift(probabilities, label, PRIORS, 0.9)
    assert 0 < shift < 1

    def mean_recall(at):
        right = shifted_classes(probabilities, PRIORS, at) == label
        return (right[label == 0].mean() + right[label == 1].mean()) / 2

    assert mean_recall(shift) > 0.9 > mean_recall(shift - 0.2)
    assert prior_shift(probabilities, label, PRIORS, 0.1) == 0
    nearest = prior_shift(probabilities, label, PRIORS, 0.9999)
    assert mean_recall(nearest) >= mean_recall(0)


def test_the_file_holds_everything(tmp_path):
    certainty = Certainty(1.25, 0.5, (0.8, 0.1, 0.05, 0.03, 0.02), {"clean": 0.2, "noisy": 0.4})
    write_certainty(certainty, str(tmp_path))
    assert read_certainty(str(tmp_path)) == certainty
    assert json.loads((tmp_path / "certainty.json").read_text())["temperature"] == 1.25
