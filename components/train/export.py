"""The SavedModel of a trained network: the same probabilities from beats and from serialized examples."""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from components.beats.beat import SAMPLES

if TYPE_CHECKING:
    import keras
    from tensorflow.types.experimental import ConcreteFunction

KERAS_FILE = PurePosixPath("assets.extra/heartbeat/model.keras")
"""Where the network itself travels inside a model's directory."""


def export_model(model: keras.Model, normalise: ConcreteFunction, directory: str) -> None:
    """Write a SavedModel, and the Keras file in its assets.

    Signatures: `beats`, `signal` float32[n, 187] in 0..1, and `serving_default`, `examples` string[n], each a
    serialized tf.Example with `signal`; both give `probabilities` float32[n, 5].

    Args:
        model: normalised beats -> logits.
        normalise: float32[n, 187] in 0..1 -> normalised.
        directory: where to; local or remote.
    """
    import tensorflow as tf

    def probabilities(signal: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": tf.nn.softmax(model(normalise(signal), training=False))}

    def from_examples(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = {"signal": tf.io.FixedLenFeature([SAMPLES], tf.float32)}
        return probabilities(tf.io.parse_example(examples, spec)["signal"])

    module = tf.Module()
    # The plain variables: a TF 1 session, as tfx_bsl uses, does not find those that only Keras objects hold.
    module.weights = [variable.value for variable in model.weights]
    signatures = {
        "beats": tf.function(probabilities).get_concrete_function(tf.TensorSpec((None, SAMPLES), tf.float32, "signal")),
        "serving_default": tf.function(from_examples).get_concrete_function(
            tf.TensorSpec((None,), tf.string, "examples")
        ),
    }
    tf.saved_model.save(module, directory, signatures)
    with tempfile.TemporaryDirectory() as scratch:
        local = Path(scratch) / KERAS_FILE.name
        model.save(local, include_optimizer=False)
        tf.io.gfile.makedirs(f"{directory}/{KERAS_FILE.parent}")
        tf.io.gfile.copy(str(local), f"{directory}/{KERAS_FILE}", overwrite=True)
