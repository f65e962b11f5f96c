"""SavedModels: written from a trained network, loaded for further training, and called on beats."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from components.beat import SAMPLES
from components.beats.context import CONTEXT_FORM
from components.errors import HeartbeatError
from components.io.artifact_files import CONTEXT_FILE, KERAS_FILE, SIDECAR_DIR
from components.train.keras_private import plain_variables, saved_weights
from components.train.networks import served_network, with_mean_logits
from components.train.served import ServedModel

if TYPE_CHECKING:
    import keras
    import tensorflow as tf
    from tensorflow.types.experimental import ConcreteFunction

    from components.train.calibrate import Certainty
    from components.train.settings import NetworkSettings


class Predict(Protocol):
    """A model as a function of beats."""

    def __call__(
        self, signal: npt.NDArray[np.float32], context: npt.NDArray[np.float32] | None = None
    ) -> npt.NDArray[np.float32]:
        """Return probabilities float32[n, 5] for beats float32[n, 187] in 0..1 and their context float32[n, k]."""


def export_model(
    model: keras.Model,
    network: NetworkSettings,
    normalise: ConcreteFunction,
    directory: str,
    certainty: Certainty | None = None,
) -> None:
    """Write a SavedModel, and among its assets the Keras file.

    Signatures: `beats`, `signal` float32[n, 187] in 0..1 and, for a network that reads it, `context` float32[n, k]; and
    `serving_default`, `examples` string[n], each a serialized tf.Example with these features. Both give
    `probabilities` float32[n, 5] and, where the certainty is known, `abstain` bool[n]. What the numbers of the context
    are is in `context.json` among the assets.

    Args:
        model: normalised beats -> logits of each tower.
        network: the settings that it was built from.
        normalise: float32[n, 187] in 0..1, or context float32[n, k] -> normalised.
        directory: to write to; local or remote.
        certainty: what the logits are divided by, and below which probability the model abstains.
    """
    import tensorflow as tf

    served = served_network(model, network)
    width = model.input_shape[1]

    def answers(signal: tf.Tensor, context: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        logits = served.logits(normalise(signal if context is None else context))
        if certainty is None:
            return {"probabilities": tf.nn.softmax(logits)}
        probabilities = tf.nn.softmax(logits / certainty.temperature)
        return {"probabilities": probabilities, "abstain": tf.reduce_max(probabilities, axis=1) < certainty.threshold}

    def from_examples(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = {each.name: tf.io.FixedLenFeature(each.shape[1:], tf.float32) for each in inputs}
        return answers(**tf.io.parse_example(examples, spec))

    inputs = [tf.TensorSpec((None, SAMPLES), tf.float32, "signal")]
    if network.reads_context:
        inputs.append(tf.TensorSpec((None, width), tf.float32, "context"))
    module = tf.Module()
    module.weights = plain_variables(model)
    module.folded = served.folded
    signatures = {
        "beats": tf.function(answers).get_concrete_function(*inputs),
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
        if network.reads_context:
            with tf.io.gfile.GFile(f"{directory}/{CONTEXT_FILE}", "w") as file:
                file.write(CONTEXT_FORM.to_json() + "\n")


def load_network(model_dir: str | None) -> keras.Model:
    """Load the Keras network stored with a SavedModel, to continue its training.

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
    """Load the `beats` signature of a SavedModel as a function of beats; a model that reads context must be given it.

    Args:
        model_dir: the SavedModel's directory (a Trainer's or FineTuner's model, or a pushed version).
        batch: maximum beats per call.

    Raises:
        OSError, KeyError, ValueError: the directory holds no such model.
    """
    model = ServedModel(model_dir)

    def predict(
        signal: npt.NDArray[np.float32], context: npt.NDArray[np.float32] | None = None
    ) -> npt.NDArray[np.float32]:
        return model.answers(signal, batch, context).probabilities

    return predict
