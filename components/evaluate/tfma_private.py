"""A metric for TFMA that counts by the most probable class, so that the Evaluator and the Judge agree.

It is built from parts of TFMA that TFMA does not promise to keep.

TFMA's own recall and precision of one class count by a threshold of 0.5, and its macro averages are nan as soon as a
class is never predicted. Here all come from one confusion matrix, which TFMA counts once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorflow_model_analysis.metrics import metric_types, metric_util
from tensorflow_model_analysis.metrics.multi_class_confusion_matrix_metrics import multi_class_confusion_matrices

from components.beat import CLASSES
from components.evaluate.metrics import class_rates, macro_f1_of

STATISTICS: dict[str, Callable[[npt.NDArray[np.float64], int], Any]] = {
    "macro_f1": lambda confusion, _: macro_f1_of(confusion),
    "recall": lambda confusion, class_id: class_rates(confusion)[0][class_id],
    "precision": lambda confusion, class_id: class_rates(confusion)[1][class_id],
}
"""(counts [5, 5], class) -> the number; nan for a class that has no beats."""


def _computations(
    statistic: str,
    class_id: int,
    code_digest: str,
    name: str,
    eval_config: Any = None,
    model_name: str = "",
    output_name: str = "",
    example_weighted: bool = False,
) -> list[Any]:
    """List what TFMA has to compute; it passes what it knows by the names of these arguments."""
    where = {"model_name": model_name, "output_name": output_name, "example_weighted": example_weighted}
    key = metric_types.MetricKey(name=name, **where)
    counted = multi_class_confusion_matrices(thresholds=[0.0], eval_config=eval_config, **where)
    source = counted[-1].keys[-1]

    def result(metrics: dict[Any, Any]) -> dict[Any, float]:
        confusion = np.zeros((len(CLASSES), len(CLASSES)))
        for entry, count in metrics[source][0.0].items():
            confusion[entry.actual_class_id, entry.predicted_class_id] = count
        return {key: float(STATISTICS[statistic](confusion, class_id))}

    return [*counted, metric_types.DerivedMetricComputation(keys=[key], result=result)]


class ConfusionStatistic(metric_types.Metric):
    """A number of the confusion matrix: one of STATISTICS, of a class where it is of one.

    The code digest is not used: as part of the configuration it makes the Evaluator run again when this code changes.
    """

    def __init__(self, statistic: str, name: str, class_id: int = 0, code_digest: str = "") -> None:
        super().__init__(
            metric_util.merge_per_key_computations(_computations),
            statistic=statistic,
            class_id=class_id,
            code_digest=code_digest,
            name=name,
        )
