"""One phase of training: batches in, a trained network and its curves out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.train.input import Batches
from components.train.progress import report_epoch
from components.train.spool import Spool
from components.train.validation import make_predictor, validate

if TYPE_CHECKING:
    import keras

History = dict[str, list[float]]
"""`epoch` (from 1), `loss`, `accuracy`, with a validation `val_loss`, `val_noisy_accuracy` ...: a value an epoch."""


@dataclass(frozen=True)
class Phase:
    """What one phase of training is.

    Attributes:
        stage: `Tuner`, `Trainer` or `FineTuner`.
        name: which phase of it, for the progress and the name of its logs.
        epochs: passes over the batches of an epoch.
        learning_rate: the highest.
        schedule: `cosine` falls to nought at the end, `constant` stays.
        weight_decay: AdamW's.
        average_epochs: time constant of the average that becomes the model's weights; 0 for none.
        label_smoothing: share of each target spread over all classes.
        log_dir: folder for TensorBoard logs; None writes none.
    """

    stage: str
    name: str
    epochs: int
    learning_rate: float
    schedule: str
    weight_decay: float
    average_epochs: float
    label_smoothing: float
    log_dir: str | None = None


def fit(model: keras.Model, batches: Batches, validation: Spool | None, phase: Phase) -> History:
    """Train the model's trainable weights; with an average, the averaged weights are what remains in it.

    Each tower has a loss of its own; `loss` and `accuracy` are the mean over the towers.

    Args:
        model: normalised beats -> logits of each tower.
        batches: to learn from.
        validation: to measure with after each epoch; None where no beat is left that is not learnt from.
        phase: how long and how fast.
    """
    import keras
    import tensorflow as tf

    def each_tower(signal: tf.Tensor, target: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return signal, tf.repeat(target[:, tf.newaxis], model.output_shape[1], axis=1)

    optimizer = _optimizer(phase, batches.steps)
    optimizer.build(model.trainable_variables)  # else the first step makes its variables, and is traced a second time
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=phase.label_smoothing),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
        jit_compile=False,
    )
    curves = _curves(model, validation, phase)
    callbacks = [curves]
    if phase.log_dir is not None:
        callbacks.append(keras.callbacks.TensorBoard(phase.log_dir, write_graph=False))
    dataset = batches.dataset.map(each_tower)
    model.fit(dataset, epochs=phase.epochs, steps_per_epoch=batches.steps, callbacks=callbacks, verbose=0)
    return curves.history


def _optimizer(phase: Phase, steps: int) -> keras.optimizers.Optimizer:
    import keras

    rate = phase.learning_rate
    if phase.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, steps * phase.epochs)
    average = {}
    if phase.average_epochs:
        # In epochs, not as a momentum: a small set has so few steps that a fixed momentum would average the start in.
        average = {"use_ema": True, "ema_momentum": 1 - 1 / max(1, phase.average_epochs * steps)}
    return keras.optimizers.AdamW(rate, weight_decay=phase.weight_decay, **average)


def _curves(model: keras.Model, validation: Spool | None, phase: Phase) -> keras.callbacks.Callback:
    """A callback that validates after each epoch, with the averaged weights, and reports."""
    import keras

    class Curves(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.history: History = {}
            self.average = keras.callbacks.SwapEMAWeights() if phase.average_epochs else keras.callbacks.Callback()
            self.began = 0.0

        def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
            self.average.set_model(self.model)
            if validation is not None:
                self.predict = make_predictor(self.model)

        def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            self.began = time.monotonic()

        def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
            if validation is not None:
                self.average.on_test_begin()
                logs |= validate(self.predict, validation)  # in place: the callbacks that follow log these too
                self.average.on_test_end()
            for name, value in ({"epoch": epoch + 1} | logs).items():
                self.history.setdefault(name, []).append(value)
            seconds = time.monotonic() - self.began
            told = logs["loss"], logs.get("val_accuracy")
            report_epoch(phase.stage, phase.name, epoch + 1, phase.epochs, *told, seconds)

    return Curves()
