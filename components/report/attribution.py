"""What a model looked at: integrated gradients over a beat, and the same for the model with redrawn weights.

Integrated gradients: along the straight line from a baseline beat to the beat, the mean gradient of the class's log
probability, times the difference between the two. Positive values speak for the class, negative ones against it; they
add up to the difference of the two log probabilities. The model with redrawn weights has learnt nothing: where its
picture looks the same, the picture shows the beat's shape and not what was learnt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from components.beat import SAMPLES
from components.errors import HeartbeatError

STEPS: Final = 64
"""Points on the line; sums then differ from the log probabilities by about a percent."""

FLOOR: Final = 1e-7
"""Added to a probability before its logarithm."""

CONTROL_SEED: Final = 8
"""Of the redrawn weights."""

Signal = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Attribution:
    """Attributions of some beats, float32[n, 187], in units of log probability.

    Attributes:
        learnt: by the model.
        control: by the model with redrawn weights.
    """

    learnt: Signal
    control: Signal

    def likeness(self) -> npt.NDArray[np.float64]:
        """Correlation of the absolute attributions of model and control, float64[n].

        Source: the sanity check of saliency pictures that compares with randomised weights.
        """
        pairs = zip(np.abs(self.learnt), np.abs(self.control), strict=True)
        return np.array(
            [np.corrcoef(ours, theirs)[0, 1] if theirs.any() and ours.any() else 0 for ours, theirs in pairs]
        )


def attribute(model_dir: str, signal: Signal, baseline: Signal, label: npt.NDArray[np.int64]) -> Attribution:
    """Attribute each beat's class to its samples, for a model and for its control.

    Args:
        model_dir: SavedModel with the signature `beats` and its variables in the attributes `weights` and `folded`.
        signal: float32[n, 187], 0..1.
        baseline: float32[187], the beat to compare with.
        label: int64[n], the classes asked about.

    Raises:
        HeartbeatError: the model does not show its weights, so that no control can be made.
    """
    import tensorflow as tf

    model = tf.saved_model.load(model_dir)
    learnt = _integrated(model.signatures["beats"], signal, baseline, label)
    redraw_weights(model)
    return Attribution(learnt, _integrated(model.signatures["beats"], signal, baseline, label))


def redraw_weights(model: Any) -> None:
    """Put normal numbers of the same mean and spread in the place of every kernel of a loaded model.

    Raises:
        HeartbeatError: the model does not show its weights.
    """
    import tensorflow as tf

    shown = tf.nest.flatten([getattr(model, "weights", []), getattr(model, "folded", [])])
    kernels = [weight for weight in shown if len(weight.shape) > 1]
    if not kernels:
        raise HeartbeatError("The model does not show its weights, so there is no control with redrawn ones.")
    rng = np.random.default_rng(CONTROL_SEED)
    for kernel in kernels:
        values = kernel.numpy()
        kernel.assign(rng.normal(values.mean(), values.std(), values.shape).astype(values.dtype))


def _integrated(signature: Any, signal: Signal, baseline: Signal, label: npt.NDArray[np.int64]) -> Signal:
    import tensorflow as tf

    share = ((np.arange(STEPS, dtype=np.float32) + 0.5) / STEPS)[:, None]
    way = (signal - baseline)[:, None, :]  # (n, 1, 187)
    line = tf.constant((baseline + share * way).reshape(-1, SAMPLES))  # (n * steps, 187)
    asked = np.repeat(label, STEPS)[:, None]
    with tf.GradientTape() as tape:
        tape.watch(line)
        told = tf.gather(signature(signal=line)["probabilities"], asked, batch_dims=1)
        told = tf.math.log(told + FLOOR)
    slope: Signal = tape.gradient(told, line).numpy().reshape(len(signal), STEPS, SAMPLES).mean(axis=1)
    return slope * (signal - baseline)
