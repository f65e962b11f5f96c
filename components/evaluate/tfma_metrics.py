"""Metrics for TFMA that count by the most probable class, so that the Evaluator and the Judge say the same.

TFMA's own recall and precision of one class count by a threshold of 0.5, and its macro averages are nan as soon as a
class is never predicted. These are all derived from one confusion matrix, which is counted once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorflow_model_analysis.metrics import metric_types, metric_util
from tensorflow_model_analysis.metrics.multi_class_confusion_matrix_metrics import multi_class_confusion_matrices

from components.beats.beat import CLASSES
from components.evaluate.metrics import class_rates, macro_f1_of


def _derived(name: str, value: Callable[[npt.NDArray[np.float64]], float], **where: Any) -> list[Any]:
    """Computations of a number of the confusion matrix; where: what TFMA says about model and output."""
    key = metric_types.MetricKey(
        name=name,
        model_name=where["model_name"],
        output_name=where["output_name"],
        example_weighted=where["example_weighted"],
    )
    counted = multi_class_confusion_matrices(thresholds=[0.0], **where)
    source = counted[-1].keys[-1]

    def result(metrics: dict[Any, Any]) -> dict[Any, float]:
        confusion = np.zeros((len(CLASSES), len(CLASSES)))
        for entry, count in metrics[source][0.0].items():
            confusion[entry.actual_class_id, entry.predicted_class_id] = count
        return {key: value(confusion)}

    return [*counted, metric_types.DerivedMetricComputation(keys=[key], result=result)]


def _recall(name: str, class_id: int, **where: Any) -> list[Any]:
    return _derived(name, lambda confusion: float(class_rates(confusion)[0][class_id]), **where)


def _precision(name: str, class_id: int, **where: Any) -> list[Any]:
    return _derived(name, lambda confusion: float(class_rates(confusion)[1][class_id]), **where)


def _macro_f1(name: str, **where: Any) -> list[Any]:
    return _derived(name, lambda confusion: float(macro_f1_of(confusion)), **where)


class ClassRecall(metric_types.Metric):
    """Share of a class's beats that were found, nan where there are none.

    Source: tfma.metrics.Metric.
    """

    def __init__(self, class_id: int, name: str) -> None:
        super().__init__(metric_util.merge_per_key_computations(_recall), class_id=class_id, name=name)


class ClassPrecision(metric_types.Metric):
    """Share of the beats called a class that are of it, nan where the class has no beats.

    Source: tfma.metrics.Metric.
    """

    def __init__(self, class_id: int, name: str) -> None:
        super().__init__(metric_util.merge_per_key_computations(_precision), class_id=class_id, name=name)


class MacroF1(metric_types.Metric):
    """Mean F1 of the classes that have beats.

    Source: tfma.metrics.Metric.
    """

    def __init__(self, name: str) -> None:
        super().__init__(metric_util.merge_per_key_computations(_macro_f1), name=name)
