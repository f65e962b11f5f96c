"""The training loop: batches in, a trained network and its learning curves out."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from components.beat import confusion_matrix
from components.train.batches import Batches
from components.train.data import Spool
from components.train.keras_private import averaged_weights, build_optimizer
from components.train.networks import mean_logits
from components.train.settings import NOT_WEIGHTED, TrainSettings

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

_PROGRESS = logging.getLogger("heartbeat.progress")

_BATCH = 2048
"""Beats of the eval split per call of the network."""

History = dict[str, list[float]]
"""`epoch` (from 1), `loss`, `accuracy`, and with validation `val_loss`, `val_noisy_accuracy` ...: one value each."""

Predictor = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
"""Normalised beats float32[n, 187], or their context float32[n, k] -> logits float32[n, 5]."""


@dataclass(frozen=True)
class Phase:
    """One phase of training; schedule, weight decay, averaging and label smoothing are those of `train`."""

    stage: str  # Tuner, Trainer or FineTuner
    name: str  # which phase of it, for the progress
    epochs: int
    learning_rate: float  # the highest
    train: TrainSettings
    log_dir: str | None = None  # folder for TensorBoard logs; None writes none


def run_operations_side_by_side() -> None:
    """Give each of TensorFlow's operations one thread, and every core an operation.

    A step's operations are too small to split among cores, and a network's towers do not wait for one another:
    on two cores a step of the default network takes three quarters of the time that it takes with TensorFlow's own
    setting. Call it before TensorFlow first computes in this process; a TF_NUM_INTRAOP_THREADS that is set already
    is kept.
    """
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")


def start_afresh(seed: int) -> None:
    """Clear Keras's state from earlier models in this process, and seed all random generators."""
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)


def fit(model: keras.Model, batches: Batches, validation: Spool | None, phase: Phase) -> History:
    """Train the model's trainable weights; with averaging, it is left with the averaged weights.

    Each tower has its own loss; `loss` and `accuracy` are the mean over the towers.

    Args:
        model: normalised beats -> logits of each tower, float32[n, towers, 5].
        batches: to train on.
        validation: to measure with after each epoch; None if every beat is trained on.
        phase: how long and how fast.
    """
    import keras
    import tensorflow as tf

    def each_tower(
        signal: tf.Tensor, target: tf.Tensor, weight: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor] | tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        targets = tf.repeat(target[:, tf.newaxis], model.output_shape[1], axis=1)
        return (
            (signal, targets, weight[:, tf.newaxis]) if phase.train.class_weight != NOT_WEIGHTED else (signal, targets)
        )

    optimizer = _optimizer(phase, batches.steps)
    build_optimizer(optimizer, model)
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=phase.train.label_smoothing),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
        jit_compile=False,
    )
    curves = _curves(validation, phase)
    callbacks = [curves]
    if phase.log_dir is not None:
        callbacks.append(keras.callbacks.TensorBoard(phase.log_dir, write_graph=False))
    dataset = batches.dataset.map(each_tower)
    model.fit(dataset, epochs=phase.epochs, steps_per_epoch=batches.steps, callbacks=callbacks, verbose=0)
    return curves.history


def _optimizer(phase: Phase, steps: int) -> keras.optimizers.Optimizer:
    import keras

    rate = phase.learning_rate
    if phase.train.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, steps * phase.epochs)
    average = {}
    if phase.train.average_epochs:
        # In epochs, not as a momentum: on a small set a fixed momentum would include the start in the average.
        average = {"use_ema": True, "ema_momentum": 1 - 1 / max(1, phase.train.average_epochs * steps)}
    return keras.optimizers.AdamW(rate, weight_decay=phase.train.weight_decay, **average)


def _curves(validation: Spool | None, phase: Phase) -> keras.callbacks.Callback:
    """Make the callback that validates after each epoch, with the averaged weights, and reports."""
    import keras

    class Curves(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.history: History = {}
            self.started = 0.0

        def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
            if validation is not None:
                self.predict = make_predictor(self.model)

        def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            self.started = time.monotonic()

        def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
            if validation is not None:
                with averaged_weights(self.model) if phase.train.average_epochs else nullcontext():
                    logs |= validate(self.predict, validation)  # in place: the callbacks that follow log these too
            for name, value in ({"epoch": epoch + 1} | logs).items():
                self.history.setdefault(name, []).append(value)
            _report(phase, epoch + 1, logs["loss"], logs.get("val_accuracy"), time.monotonic() - self.started)

    return Curves()


def _report(phase: Phase, epoch: int, loss: float, val_accuracy: float | None, seconds: float) -> None:
    """Log the end of an epoch as one JSON line, for the screen.

    Args:
        phase: of training.
        epoch: number of the epoch that ended, from 1.
        loss: mean over the epoch's training batches.
        val_accuracy: 0..1, on the clean beats of the eval split; None without a validation.
        seconds: wall time of the epoch, validation included.
    """
    line: dict[str, str | float] = {"stage": phase.stage, "phase": phase.name, "epoch": epoch, "epochs": phase.epochs}
    line["loss"] = round(loss, 5)
    if val_accuracy is not None:
        line["val_accuracy"] = round(val_accuracy, 5)
    line["seconds"] = round(seconds, 2)
    _PROGRESS.info(json.dumps(line))


def make_predictor(model: keras.Model) -> Predictor:
    """Make a network's inference function, using its current weights at each call.

    It is traced once, as tracing takes a second.
    """
    import tensorflow as tf

    beats = tf.TensorSpec(model.input_shape, tf.float32)
    call = tf.function(lambda signal: mean_logits(model(signal, training=False))).get_concrete_function(beats)

    def predict(signal: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        starts = range(0, len(signal), _BATCH)
        return np.concatenate([call(tf.constant(signal[start : start + _BATCH])).numpy() for start in starts])

    return predict


def validate(predict: Predictor, spool: Spool) -> dict[str, float]:
    """Measure a network on the eval split.

    Args:
        predict: the network.
        spool: columns `signal` and `noisy`, both normalised.

    Returns:
        `val_loss`, `val_accuracy`, `val_macro_f1` on the clean beats; `val_noisy_*` on the noisy ones.
    """
    metrics: dict[str, float] = {}
    for prefix, column in (("val", "signal"), ("val_noisy", "noisy")):
        logits = predict(spool.columns[column])
        metrics |= {f"{prefix}_{name}": value for name, value in logit_metrics(logits, spool.label).items()}
    return metrics


def logit_metrics(logits: npt.NDArray[np.float32], label: npt.NDArray[np.int64]) -> dict[str, float]:
    """Compute the mean cross-entropy (`loss`), `accuracy` and `macro_f1` (over classes that occur) of float32[n, 5]."""
    from scipy.special import log_softmax

    log_probability = log_softmax(logits.astype(np.float64), axis=1)
    confusion = confusion_matrix(label, logits.argmax(axis=1))
    true, called = confusion.sum(axis=1), confusion.sum(axis=0)
    f1 = 2 * confusion.diagonal() / np.maximum(true + called, 1)
    return {
        "loss": float(-log_probability[np.arange(len(label)), label].mean()),
        "accuracy": float(confusion.trace() / len(label)),
        "macro_f1": float(f1[true > 0].mean()),
    }
