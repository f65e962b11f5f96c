"""Measuring a network on the eval split at the end of each epoch, on clean and on noisy beats."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, SAMPLES
from components.train.networks import answer
from components.train.spool import Spool

if TYPE_CHECKING:
    import keras

_BATCH = 2048


Predictor = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
"""Normalised beats float32[n, 187] -> logits float32[n, 5]."""


def make_predictor(model: keras.Model) -> Predictor:
    """The network as it infers, with its weights as they are at each call; traced once, as tracing takes a second."""
    import tensorflow as tf

    beats = tf.TensorSpec((None, SAMPLES), tf.float32)
    call = tf.function(lambda signal: answer(model(signal, training=False))).get_concrete_function(beats)

    def predict(signal: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        starts = range(0, len(signal), _BATCH)
        return np.concatenate([call(tf.constant(signal[start : start + _BATCH])).numpy() for start in starts])

    return predict


def validate(predict: Predictor, spool: Spool) -> dict[str, float]:
    """Measure a network.

    Args:
        predict: the network.
        spool: the eval split with columns `signal` and `noisy`, both normalised.

    Returns:
        `val_loss`, `val_accuracy`, `val_macro_f1` on the clean beats; `val_noisy_*` on the noisy ones.
    """
    measured: dict[str, float] = {}
    for prefix, column in (("val", "signal"), ("val_noisy", "noisy")):
        logits = predict(spool.columns[column])
        measured |= {f"{prefix}_{name}": value for name, value in measure(logits, spool.label).items()}
    return measured


def measure(logits: npt.NDArray[np.float32], label: npt.NDArray[np.int64]) -> dict[str, float]:
    """Mean cross-entropy (`loss`), `accuracy` and `macro_f1` (over the classes that occur) of float32[n, 5]."""
    shifted = logits - logits.max(axis=1, keepdims=True).astype(np.float64)
    log_probability = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    predicted = logits.argmax(axis=1)
    confusion = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    np.add.at(confusion, (label, predicted), 1)
    present = confusion.sum(axis=1) > 0
    f1 = 2 * confusion.diagonal() / np.maximum(confusion.sum(axis=0) + confusion.sum(axis=1), 1)
    return {
        "loss": float(-log_probability[np.arange(len(label)), label].mean()),
        "accuracy": float((predicted == label).mean()),
        "macro_f1": float(f1[present].mean()),
    }
