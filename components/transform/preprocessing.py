"""What Transform computes for every beat; its analyzers see the train split alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.transform.noise import add_noise
from components.transform.settings import TransformSettings

if TYPE_CHECKING:
    import tensorflow as tf

CONTEXT_LIMIT = 4.0
"""Standard deviations at which context is clipped: pauses and artefacts lie tens of them away."""

NOISE_DRAW = 0
"""The draw of the `noisy` output; tests of a model use draws from 1 on."""


def preprocessing_fn(inputs: dict[str, tf.Tensor], custom_config: dict[str, Any]) -> dict[str, tf.Tensor]:
    """Normalise the beats and add a noisy version of them.

    Args:
        inputs: `signal` float32[n, 187], 0..1, 120 Hz; `label` int64[n]; perhaps `context` float32[n, k], nan where a
            number is missing; other features are left out.
        custom_config: `settings`, a TransformSettings as JSON.

    Returns:
        `signal` float32[n, 187], normalised; `noisy` float32[n, 187], noise added and then normalised in the same way;
        `clean` float32[n, 187], the samples as they came, which training augments; `label` int64[n]. Where there is
        context, in place of the samples: `context` float32[n, k], standardised, and `clean_context`, as it came.
    """
    import tensorflow as tf
    import tensorflow_transform as tft

    settings = TransformSettings.model_validate_json(custom_config["settings"])
    if "context" in inputs:
        context = inputs["context"]
        return {"context": _standardised(context), "clean_context": tf.identity(context), "label": inputs["label"]}
    clean = inputs["signal"]
    noisy = add_noise(clean, NOISE_DRAW, settings.noise_sd)
    if settings.normalisation == "zscore":
        # Summed in double precision: the order in which Beam adds must not reach the last bit of what is trained on.
        wide = tf.cast(clean, tf.float64)
        mean, deviation = (tf.cast(x, tf.float32) for x in (tft.mean(wide), tft.var(wide) ** 0.5))
        signal, noisy = (clean - mean) / deviation, (noisy - mean) / deviation
    else:
        signal = tf.identity(clean)
    return {"signal": signal, "noisy": noisy, "clean": clean, "label": inputs["label"]}


def _standardised(context: tf.Tensor) -> tf.Tensor:
    """Give each number of float32[n, k] mean 0 and deviation 1 over the train split, -4..4; a missing one becomes 0."""
    import tensorflow as tf
    import tensorflow_transform as tft

    known = tf.math.is_finite(context)
    wide = tf.where(known, tf.cast(context, tf.float64), 0.0)

    def total(values: tf.Tensor) -> tf.Tensor:
        return tft.sum(values, reduce_instance_dims=False)

    count = tf.maximum(total(tf.cast(known, tf.float64)), 1.0)
    mean = total(wide) / count
    deviation = tf.sqrt(tf.maximum(total(wide * wide) / count - mean * mean, 0.0))
    return tf.where(known, scaled_and_cut(wide, mean, deviation), 0.0)


def scaled_and_cut(context: tf.Tensor, mean: tf.Tensor, deviation: tf.Tensor) -> tf.Tensor:
    """Return float64[n, k] less the mean, in deviations, within CONTEXT_LIMIT, as float32; 0 where all are alike."""
    import tensorflow as tf

    scaled = tf.math.divide_no_nan(context - mean, deviation)
    return tf.cast(tf.clip_by_value(scaled, -CONTEXT_LIMIT, CONTEXT_LIMIT), tf.float32)
