"""The first model's weights, proven to be the first model's."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.errors import HeartbeatError
from components.train.export import KERAS_FILE
from components.train.networks import BODY

if TYPE_CHECKING:
    import keras


def load_first_model(model_dir: str | None) -> keras.Model:
    """The network that travels with a SavedModel, refused unless it has that SavedModel's weights.

    Args:
        model_dir: the Trainer's `Format-Serving` directory.

    Raises:
        HeartbeatError: there is no first model, no network in it, or one with other weights.
    """
    import keras
    import tensorflow as tf

    if not model_dir:
        raise HeartbeatError("Fine-tuning needs the Trainer's model to start from, and was given none.")
    file = f"{model_dir}/{KERAS_FILE}"
    if not tf.io.gfile.exists(file):
        raise HeartbeatError(f"Fine-tuning starts from the Trainer's network, but {file} is not there; train again.")
    with tempfile.TemporaryDirectory() as scratch:
        local = Path(scratch) / KERAS_FILE.name
        tf.io.gfile.copy(file, str(local))
        model = keras.models.load_model(local, compile=False)
    served = tf.train.load_checkpoint(f"{model_dir}/variables/variables")
    for number, weight in enumerate(model.weights):
        key = f"weights/{number}/.ATTRIBUTES/VARIABLE_VALUE"
        if not served.has_tensor(key) or not np.array_equal(served.get_tensor(key), weight.numpy()):
            raise HeartbeatError(
                f"Fine-tuning starts from the Trainer's network, but {weight.path} in {file} is not the weight of the "
                f"model in {model_dir}; train again."
            )
    return model


def body_weights(model: keras.Model) -> list[np.ndarray]:
    """Copies of the body's weights, statistics of batch normalisation included."""
    return [np.array(weight.numpy()) for weight in model.get_layer(BODY).weights]


def same_weights(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    """Whether two lists of weights are equal to the last bit."""
    return len(first) == len(second) and all(map(np.array_equal, first, second))
