"""What Transform computes for every beat; its analyzers see the train split alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.transform.noise import add_noise
from components.transform.settings import TransformSettings

if TYPE_CHECKING:
    import tensorflow as tf

NOISE_DRAW = 0
"""The draw of the `noisy` output; tests of a model use draws from 1 on."""


def preprocessing_fn(inputs: dict[str, tf.Tensor], custom_config: dict[str, Any]) -> dict[str, tf.Tensor]:
    """Normalise the beats and add a noisy version of them.

    Args:
        inputs: `signal` float32[n, 187], 0..1, 120 Hz; `label` int64[n]; other features are left out.
        custom_config: `settings`, a TransformSettings as JSON.

    Returns:
        `signal` float32[n, 187], normalised; `noisy` float32[n, 187], noise added and then normalised in the same way;
        `clean` float32[n, 187], the samples as they came, which training augments; `label` int64[n].
    """
    import tensorflow as tf
    import tensorflow_transform as tft

    settings = TransformSettings.model_validate_json(custom_config["settings"])
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
