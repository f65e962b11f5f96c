from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from components.beat import CLASSES, confusion_matrix
from components.evaluate.metrics import cross_entropy, macro_f1_of, measure

labels = st.integers(1, 60).flatmap(lambda n: arrays.arrays(np.int64, (2, n), elements=st.integers(0, 4)))


def sure_of(predicted, confidence=0.6):
    """Probabilities whose largest is the predicted class."""
    rest = (1 - confidence) / (len(CLASSES) - 1)
    return np.full((len(predicted), len(CLASSES)), rest) + np.eye(len(CLASSES))[predicted] * (confidence - rest)


def test_hand_worked_case():
    #                  truth N N N S S V: N found twice of 3, S once of 2, V never, F called once, Q nowhere
    label, predicted = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 3, 0])
    told = measure(sure_of(predicted, 0.6), label)
    assert told["accuracy"] == pytest.approx(3 / 6)
    assert told["recall"] == [pytest.approx(2 / 3), pytest.approx(1 / 2), 0.0, None, None]
    assert told["precision"] == [pytest.approx(2 / 3), pytest.approx(1 / 2), 0.0, None, None]
    assert told["macro_f1"] == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert told["loss"] == pytest.approx((3 * -np.log(0.6) + 3 * -np.log(0.1)) / 6)
    assert told["confusion"][0] == [2, 1, 0, 0, 0]
    assert told["confusion"][1] == [0, 1, 0, 1, 0]
    assert told["confusion"][2] == [1, 0, 0, 0, 0]
    assert np.sum(told["confusion"]) == 6


@given(labels)
@settings(max_examples=100, deadline=None)
def test_same_as_sklearn(pairs):
    label, predicted = pairs
    told = measure(sure_of(predicted), label)
    present = np.unique(label)
    precision, recall, f1, _ = sklearn.metrics.precision_recall_fscore_support(
        label, predicted, labels=present, zero_division=0
    )
    assert told["accuracy"] == pytest.approx(sklearn.metrics.accuracy_score(label, predicted))
    assert told["macro_f1"] == pytest.approx(f1.mean())
    assert [told["recall"][of] for of in present] == pytest.approx(recall)
    assert [told["precision"][of] for of in present] == pytest.approx(precision)
    assert {of for of in range(5) if told["recall"][of] is None} == set(range(5)) - set(present)
    np.testing.assert_array_equal(
        told["confusion"], sklearn.metrics.confusion_matrix(label, predicted, labels=np.arange(5))
    )


def test_loss_is_what_keras_says():
    import keras

    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([0.1] * 5, 200).astype(np.float32)
    probabilities[0] = [0, 1, 0, 0, 0]
    label = rng.integers(0, 5, 200)
    label[0] = 0
    theirs = keras.losses.SparseCategoricalCrossentropy()(label, probabilities)
    assert cross_entropy(probabilities, label) == pytest.approx(float(theirs), rel=1e-4)


def test_metrics_of_many_matrices_at_once_are_those_of_each():
    rng = np.random.default_rng(1)
    many = np.stack([confusion_matrix(rng.integers(0, 4, 50), rng.integers(0, 5, 50)) for _ in range(6)])
    np.testing.assert_allclose(macro_f1_of(many), [macro_f1_of(one) for one in many])


@pytest.mark.parametrize(("rows", "shape"), [(0, (0, 5)), (3, (3, 4)), (3, (2, 5))])
def test_what_does_not_fit_is_refused_with_its_shapes(rows, shape):
    with pytest.raises(ValueError, match=f"{rows} labels"):
        measure(np.ones(shape) / 5, np.zeros(rows, np.int64))
