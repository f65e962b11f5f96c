"""The networks: a body that turns a beat into features, and a head that turns features into class scores.

Input float32[n, 187], normalised; output logits float32[n, 5]. Body and head are models of their own inside the
network, so that a new head can be put on a trained body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.beats.beat import CLASSES, SAMPLES
from components.train.settings import NetworkSettings

if TYPE_CHECKING:
    import keras

BODY = "body"
HEAD = "head"
STUDY_SAMPLES = SAMPLES - 1
"""The study left the last sample of each beat out."""


def build_network(settings: NetworkSettings) -> keras.Model:
    """A new network with fresh weights."""
    if settings.name == "study":
        return join(_study_body(), _study_head())
    return join(_residual_body(settings), head(settings.head_units, settings.dropout))


def join(body: keras.Model, head: keras.Model) -> keras.Model:
    """One model of a body and a head; it shares their weights."""
    import keras

    beats = keras.Input((SAMPLES,), name="signal")
    return keras.Model(beats, head(body(beats)), name="heartbeat")


def head(units: int, dropout: float) -> keras.Model:
    """A fresh head: dense layer, dropout, one logit a class."""
    import keras

    layers = keras.layers
    stack = [layers.Dense(units, activation="relu"), layers.Dropout(dropout), layers.Dense(len(CLASSES))]
    return keras.Sequential(stack, name=HEAD)


def _residual_body(settings: NetworkSettings) -> keras.Model:
    """float32[n, 187] -> float32[n, 2 * last filters]."""
    import keras

    layers = keras.layers
    beats = keras.Input((SAMPLES,))
    x = layers.Reshape((SAMPLES, 1))(beats)  # (n, 187, 1)
    x = _convolve(x, settings.stem_filters, settings.stem_kernel, settings.stem_stride)
    x = layers.Activation("relu")(x)
    for filters in settings.block_filters:
        inner = layers.Activation("relu")(_convolve(x, filters, settings.block_kernel, 2))
        inner = _convolve(inner, filters, settings.block_kernel, 1)
        x = layers.Activation("relu")(layers.Add()([inner, _convolve(x, filters, 1, 2)]))  # (n, steps / 2, filters)
    pooled = [layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x)]
    return keras.Model(beats, layers.Concatenate()(pooled), name=BODY)


def _convolve(x: keras.KerasTensor, filters: int, kernel: int, stride: int) -> keras.KerasTensor:
    import keras

    # Without a bias: the batch normalisation behind it has one.
    x = keras.layers.Conv1D(filters, kernel, strides=stride, padding="same", use_bias=False)(x)
    return keras.layers.BatchNormalization(momentum=0.95)(x)


def _study_body() -> keras.Model:
    """float32[n, 187] -> float32[n, 128], the study's layers up to the one that its transfer kept."""
    import keras

    layers = keras.layers
    beats = keras.Input((SAMPLES,))
    x = layers.Cropping1D((0, SAMPLES - STUDY_SAMPLES))(layers.Reshape((SAMPLES, 1))(beats))  # (n, 186, 1)
    for filters, kernel in ((128, 3), (64, 3), (64, 2)):
        x = layers.Conv1D(filters, kernel, activation="relu")(x)
        x = layers.MaxPooling1D(2)(layers.BatchNormalization()(x))
    x = layers.Flatten()(layers.Conv1D(64, 2, activation="relu")(x))  # (n, 21 * 64)
    return keras.Model(beats, layers.Dense(128, activation="relu")(x), name=BODY)


def _study_head() -> keras.Model:
    import keras

    layers = keras.layers
    stack = [layers.Dropout(0.5), layers.Dense(64, activation="relu"), layers.Dense(len(CLASSES))]
    return keras.Sequential(stack, name=HEAD)
