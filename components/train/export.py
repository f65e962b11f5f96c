"""The SavedModel of a trained network: the same probabilities from beats and from serialized examples."""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from components.beat import SAMPLES
from components.train.networks import answering, served_network

if TYPE_CHECKING:
    import keras
    import tensorflow as tf
    from tensorflow.types.experimental import ConcreteFunction

    from components.train.calibrate import Certainty
    from components.train.settings import NetworkSettings

KERAS_FILE = PurePosixPath("assets.extra/heartbeat/model.keras")
"""Where the network itself travels inside a model's directory."""


def export_model(
    model: keras.Model,
    network: NetworkSettings,
    normalise: ConcreteFunction,
    directory: str,
    certainty: Certainty | None = None,
) -> None:
    """Write a SavedModel, and in its assets the Keras file: normalised beats -> logits float32[n, 5].

    Signatures: `beats`, `signal` float32[n, 187] in 0..1, and `serving_default`, `examples` string[n], each a
    serialized tf.Example with `signal`; both give `probabilities` float32[n, 5] and, where the certainty is known,
    `abstain` bool[n].

    Args:
        model: normalised beats -> logits of each tower.
        network: the settings that it was built from.
        normalise: float32[n, 187] in 0..1 -> normalised.
        directory: where to; local or remote.
        certainty: what the logits are divided by, and below which probability the model abstains.
    """
    import tensorflow as tf

    served = served_network(model, network)

    def answers(signal: tf.Tensor) -> dict[str, tf.Tensor]:
        logits = served.logits(normalise(signal))
        if certainty is None:
            return {"probabilities": tf.nn.softmax(logits)}
        probabilities = tf.nn.softmax(logits / certainty.temperature)
        return {"probabilities": probabilities, "abstain": tf.reduce_max(probabilities, axis=1) < certainty.threshold}

    def from_examples(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = {"signal": tf.io.FixedLenFeature([SAMPLES], tf.float32)}
        return answers(tf.io.parse_example(examples, spec)["signal"])

    module = tf.Module()
    # The plain variables: a TF 1 session, as tfx_bsl uses, does not find those that only Keras objects hold.
    module.weights = [variable.value for variable in model.weights]
    module.folded = served.folded
    signatures = {
        "beats": tf.function(answers).get_concrete_function(tf.TensorSpec((None, SAMPLES), tf.float32, "signal")),
        "serving_default": tf.function(from_examples).get_concrete_function(
            tf.TensorSpec((None,), tf.string, "examples")
        ),
    }
    tf.saved_model.save(module, directory, signatures)
    with tempfile.TemporaryDirectory() as scratch:
        local = Path(scratch) / KERAS_FILE.name
        answering(model).save(local, include_optimizer=False)
        tf.io.gfile.makedirs(f"{directory}/{KERAS_FILE.parent}")
        tf.io.gfile.copy(str(local), f"{directory}/{KERAS_FILE}", overwrite=True)
