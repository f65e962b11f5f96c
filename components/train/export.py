"""SavedModels: written from a trained network, loaded to go on training from, and asked about beats."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, SAMPLES
from components.errors import HeartbeatError
from components.io.artifact_names import KERAS_FILE, SIDECAR_DIR
from components.train.keras_private import plain_variables, saved_weights
from components.train.networks import served_network, with_mean_logits

if TYPE_CHECKING:
    import keras
    import tensorflow as tf
    from tensorflow.types.experimental import ConcreteFunction

    from components.train.calibrate import Certainty
    from components.train.settings import NetworkSettings

Predict = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
"""signal float32[n, 187] in 0..1 -> probabilities float32[n, 5]."""


def export_model(
    model: keras.Model,
    network: NetworkSettings,
    normalise: ConcreteFunction,
    directory: str,
    certainty: Certainty | None = None,
) -> None:
    """Write a SavedModel, and among its assets the Keras file.

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
    module.weights = plain_variables(model)
    module.folded = served.folded
    signatures = {
        "beats": tf.function(answers).get_concrete_function(tf.TensorSpec((None, SAMPLES), tf.float32, "signal")),
        "serving_default": tf.function(from_examples).get_concrete_function(
            tf.TensorSpec((None,), tf.string, "examples")
        ),
    }
    tf.saved_model.save(module, directory, signatures)
    with tempfile.TemporaryDirectory() as scratch:
        local = Path(scratch, Path(KERAS_FILE).name)
        with_mean_logits(model).save(local, include_optimizer=False)
        tf.io.gfile.makedirs(f"{directory}/{SIDECAR_DIR}")
        tf.io.gfile.copy(str(local), f"{directory}/{KERAS_FILE}", overwrite=True)


def load_network(model_dir: str | None) -> keras.Model:
    """Load the network that travels with a SavedModel, to go on training it.

    Args:
        model_dir: the SavedModel's directory; local or remote.

    Raises:
        HeartbeatError: there is no model, no network in it, or one with other weights than the SavedModel's.
    """
    import keras
    import tensorflow as tf

    if not model_dir:
        raise HeartbeatError("Fine-tuning needs the Trainer's model to start from, and was given none.")
    file = f"{model_dir}/{KERAS_FILE}"
    if not tf.io.gfile.exists(file):
        raise HeartbeatError(f"Fine-tuning starts from the Trainer's network, but {file} is not there; train again.")
    with tempfile.TemporaryDirectory() as scratch:
        local = Path(scratch, Path(KERAS_FILE).name)
        tf.io.gfile.copy(file, str(local))
        model = keras.models.load_model(local, compile=False)
    served = saved_weights(model_dir)
    for number, weight in enumerate(model.weights):
        if number >= len(served) or not np.array_equal(served[number], weight.numpy()):
            raise HeartbeatError(
                f"Fine-tuning starts from the Trainer's network, but {weight.path} in {file} is not the weight of the "
                f"model in {model_dir}; train again."
            )
    return model


def load_predict(model_dir: str, batch: int = 2048) -> Predict:
    """Load the `beats` signature of a SavedModel as a function of beats.

    Args:
        model_dir: the SavedModel's directory (a Trainer's or FineTuner's model, or a pushed version).
        batch: beats that it answers at a time.

    Raises:
        OSError, KeyError, ValueError: the directory holds no such model.
    """
    import tensorflow as tf

    model = tf.saved_model.load(model_dir)
    signature = model.signatures["beats"]

    def predict(signal: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        _ = model  # the signature alone does not keep its variables alive
        parts = [np.empty((0, len(CLASSES)), np.float32)]
        for start in range(0, len(signal), batch):
            block = tf.constant(signal[start : start + batch], tf.float32)
            parts.append(signature(signal=block)["probabilities"].numpy())
        return np.concatenate(parts)

    return predict
