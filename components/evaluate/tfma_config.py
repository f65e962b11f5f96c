"""What the Evaluator computes for the served model on clean test beats, and what its blessing depends on."""

from __future__ import annotations

import json
from typing import Any

from components.evaluate.settings import GateSettings

PREDICTION_KEY, LABEL_KEY, SIGNATURE = "probabilities", "label", "serving_default"


def eval_config(gate: GateSettings) -> Any:
    """Build the tfma.EvalConfig of the served signature: no baseline, no slices.

    It includes only what TFMA counts as the Judge does: TFMA's recall of a class uses a cut-off of 0.5, and its macro
    averages are nan if a class is never predicted. The minimum accuracy is the lowest for any data: the graph is built
    before it is known how the data was split, and the gate, which knows, applies that data's own thresholds.
    """
    import tensorflow_model_analysis as tfma

    least = min(getattr(gate, data).clean_accuracy for data in GateSettings.model_fields)
    at_least = tfma.MetricThreshold(value_threshold=tfma.GenericValueThreshold(lower_bound={"value": least}))

    def metric(class_name: str, threshold: Any = None, **config: Any) -> Any:
        return tfma.MetricConfig(class_name=class_name, config=json.dumps(config), threshold=threshold)

    metrics = [
        metric("ExampleCount"),
        metric("SparseCategoricalAccuracy", at_least, name="accuracy"),
        metric("SparseCategoricalCrossentropy", name="loss"),
        metric("MultiClassConfusionMatrixAtThresholds", name="confusion", thresholds=[0.0]),
    ]
    return tfma.EvalConfig(
        model_specs=[tfma.ModelSpec(signature_name=SIGNATURE, prediction_key=PREDICTION_KEY, label_key=LABEL_KEY)],
        metrics_specs=[tfma.MetricsSpec(metrics=metrics)],
        slicing_specs=[tfma.SlicingSpec()],
    )
