"""What the Evaluator computes of the served model on clean test beats, and what its blessing depends on."""

from __future__ import annotations

import json
from typing import Any

from components.beat import CLASSES
from components.evaluate.settings import GateSettings

PREDICTION_KEY, LABEL_KEY, SIGNATURE = "probabilities", "label", "serving_default"

OWN_METRICS = "components.evaluate.tfma_private"


def eval_config(gate: GateSettings, code_digest: str = "") -> Any:
    """Build the tfma.EvalConfig of the served signature: no baseline, no slices.

    Its thresholds are the lowest for any data: the graph is built before it is known how the data was split,
    and the gate, which knows, applies that data's own. Class recalls are computed and have no threshold here, because
    data without a class would then never be blessed (TFMA takes nan for a failure).

    Args:
        gate: what is required.
        code_digest: of this stage's code; the Evaluator has no other place for it, and what is cached must follow it.
    """
    import tensorflow_model_analysis as tfma

    least = gate.lowest()

    def metric(class_name: str, module: str = "", at_least: float | None = None, **config: Any) -> Any:
        threshold = None
        if at_least is not None:
            bound = tfma.GenericValueThreshold(lower_bound={"value": at_least})
            threshold = tfma.MetricThreshold(value_threshold=bound)
        return tfma.MetricConfig(
            class_name=class_name, module=module, config=json.dumps(config) if config else "", threshold=threshold
        )

    def own(name: str, at_least: float | None = None, **config: Any) -> Any:
        return metric("ConfusionStatistic", OWN_METRICS, at_least, name=name, code_digest=code_digest, **config)

    metrics = [
        metric("ExampleCount"),
        metric("SparseCategoricalAccuracy", at_least=least.clean_accuracy, name="accuracy"),
        metric("SparseCategoricalCrossentropy", name="loss"),
        own("macro_f1", at_least=least.clean_macro_f1, statistic="macro_f1"),
        metric("MultiClassConfusionMatrixAtThresholds", thresholds=[0.0], name="confusion"),
    ]
    for index, symbol in enumerate(CLASSES):
        for of in ("recall", "precision"):
            metrics.append(own(f"{of}_{symbol}", statistic=of, class_id=index))
    return tfma.EvalConfig(
        model_specs=[tfma.ModelSpec(signature_name=SIGNATURE, prediction_key=PREDICTION_KEY, label_key=LABEL_KEY)],
        metrics_specs=[tfma.MetricsSpec(metrics=metrics)],
        slicing_specs=[tfma.SlicingSpec()],
    )
