"""The networks: a body that turns a beat into features, and a head that turns features into class scores.

A network has one or more towers: networks side by side that share only the beat, each trained on its own loss, whose
mean is the answer (a deep ensemble: Lakshminarayanan et al., 2017). Input float32[n, 187], normalised samples, or
float32[n, k], standardised context; output logits float32[n, towers, 5]. Body and head, of all towers, are separate
models inside the network, so that a new head can be put on a trained body.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from components.beat import CLASSES, SAMPLES
from components.train.settings import NetworkSettings

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

BODY = "body"
HEAD = "head"
CONVOLUTION = "convolution_"
"""Prefix of the names of a body's convolutions."""

STUDY_SAMPLES = SAMPLES - 1
"""The study left out the last sample of each beat."""


def build_network(settings: NetworkSettings, width: int = SAMPLES) -> keras.Model:
    """Make a network with fresh weights; `width` is how many values it reads per beat, samples or context."""
    if settings.name == "study":
        return _join(_study_body(), _study_head())
    body = _context_body(settings, width) if settings.reads_context else _residual_body(settings)
    return with_new_head(body, settings, settings.dropout)


def with_new_head(body: keras.Model, settings: NetworkSettings, dropout: float) -> keras.Model:
    """Put a fresh head on a body: for each tower a dense layer, dropout, one logit per class.

    Args:
        body: float32[n, width] -> float32[n, towers * features]; the new model shares its weights.
        settings: of the network.
        dropout: share of the dense layer's units dropped.
    """
    import keras

    layers, ops = keras.layers, keras.ops
    features = keras.Input(body.output_shape[1:])
    logits = [
        layers.Dense(len(CLASSES))(layers.Dropout(dropout)(layers.Dense(settings.head_units, activation="relu")(tower)))
        for tower in ops.split(features, _towers(settings), axis=1)
    ]
    return _join(body, keras.Model(features, ops.stack(logits, axis=1), name=HEAD))


def _join(body: keras.Model, head: keras.Model) -> keras.Model:
    import keras

    beats = keras.Input(body.input_shape[1:], name="signal")
    return keras.Model(beats, head(body(beats)), name="heartbeat")


def _towers(settings: NetworkSettings) -> int:
    return 1 if settings.name == "study" else settings.towers


def mean_logits(logits: tf.Tensor) -> tf.Tensor:
    """Average the towers' logits float32[n, towers, 5] to what the network answers, float32[n, 5]."""
    import keras

    return keras.ops.mean(logits, axis=1)


def with_mean_logits(model: keras.Model) -> keras.Model:
    """Return the network with the mean float32[n, 5] in place of its towers' logits; it shares the weights."""
    import keras

    return keras.Model(model.input, mean_logits(model.output), name=model.name)


class Convolution(Protocol):
    """A convolution along time, normalised: (n, ..., steps, channels) -> (n, ..., steps / stride, filters)."""

    def __call__(self, x: Any, filters: int, kernel: int, stride: int) -> Any:
        """Convolve with padding, so that only the stride shortens."""


def _residual_body(settings: NetworkSettings) -> keras.Model:
    """Make a body: float32[n, 187] -> float32[n, towers * steps * last filters]."""
    import keras

    beats = keras.Input((SAMPLES,))
    x = keras.layers.Reshape((SAMPLES, 1))(beats)  # (n, 187, 1)
    convolve = _TrainedConvolution()
    towers = [_residual_features(x, settings, convolve) for _ in range(settings.towers)]
    features = keras.ops.concatenate([keras.layers.Flatten()(tower) for tower in towers], axis=1)
    return keras.Model(beats, features, name=BODY)


def _residual_features(x: Any, settings: NetworkSettings, convolve: Convolution) -> Any:
    """Compute a tower's residual blocks, whatever the convolution: (n, ..., 187, 1) -> (n, ..., steps, filters)."""
    from keras import ops

    x = ops.relu(convolve(x, settings.stem_filters, settings.stem_kernel, settings.stem_stride))
    for filters in settings.block_filters:
        inner = ops.relu(convolve(x, filters, settings.block_kernel, 2))
        inner = convolve(inner, filters, settings.block_kernel, 1)
        x = ops.relu(inner + convolve(x, filters, 1, 2))  # (n, ..., steps / 2, filters)
    return x


class _TrainedConvolution:
    """Convolutions of a network that is trained: Keras layers, numbered in the order they are made."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, x: Any, filters: int, kernel: int, stride: int) -> Any:
        import keras

        convolution, normalisation = _layer_names(self._count)
        self._count += 1
        # Without a bias: the batch normalisation behind it has one.
        x = keras.layers.Conv1D(filters, kernel, strides=stride, padding="same", use_bias=False, name=convolution)(x)
        return keras.layers.BatchNormalization(momentum=0.95, name=normalisation)(x)


class _FoldedConvolution:
    """The same convolutions of a trained body, with batch normalisation folded into each one's kernel and bias.

    On (n, 1, steps, channels): TensorFlow computes such a convolution, its bias and its relu as one operation.
    """

    def __init__(self, folded: Sequence[tuple[tf.Variable, tf.Variable]]) -> None:
        self._unused = iter(folded)

    def __call__(self, x: Any, filters: int, kernel: int, stride: int) -> Any:
        import tensorflow as tf

        kernel_values, bias = next(self._unused)
        return tf.nn.bias_add(tf.nn.conv2d(x, kernel_values, [1, 1, stride, 1], "SAME"), bias)


def _folded(body: keras.Model) -> list[tuple[tf.Variable, tf.Variable]]:
    """Fold a body: kernels (1, kernel, channels, filters) and biases (filters,) of its convolutions, in order."""
    import tensorflow as tf

    folded = []
    for number in range(sum(layer.name.startswith(CONVOLUTION) for layer in body.layers)):
        convolution, normalisation = (body.get_layer(name) for name in _layer_names(number))
        variance = normalisation.moving_variance.value
        scale = normalisation.gamma.value * tf.math.rsqrt(variance + normalisation.epsilon)  # (filters,)
        kernel = (convolution.kernel.value * scale)[None]
        bias = normalisation.beta.value - normalisation.moving_mean.value * scale
        folded.append((tf.Variable(kernel, trainable=False), tf.Variable(bias, trainable=False)))
    return folded


def _layer_names(number: int) -> tuple[str, str]:
    return f"{CONVOLUTION}{number}", f"normalisation_{number}"


@dataclass(frozen=True)
class ServedNetwork:
    """A trained network in the form that is fastest to compute.

    Attributes:
        logits: float32[n, width], normalised -> float32[n, 5].
        folded: variables of its own that this reads, besides some of the network's.
    """

    logits: Callable[[tf.Tensor], tf.Tensor]
    folded: Sequence[tf.Variable]


def served_network(model: keras.Model, settings: NetworkSettings) -> ServedNetwork:
    """Make the network to serve, with its convolutions as they are trained by now.

    Args:
        model: as `build_network(settings)` made it, trained.
        settings: of the network.
    """
    import tensorflow as tf

    if settings.name == "study" or settings.reads_context:
        return ServedNetwork(lambda signal: mean_logits(model(signal, training=False)), ())
    folded, head = _folded(model.get_layer(BODY)), model.get_layer(HEAD)

    def logits(signal: tf.Tensor) -> tf.Tensor:
        convolve = _FoldedConvolution(folded)
        beats = tf.reshape(signal, (-1, 1, SAMPLES, 1))
        towers = [_residual_features(beats, settings, convolve) for _ in range(settings.towers)]
        features = [tf.reshape(tower, (-1, tower.shape[2] * tower.shape[3])) for tower in towers]
        return mean_logits(head(tf.concat(features, axis=1), training=False))

    return ServedNetwork(logits, [variable for pair in folded for variable in pair])


def _context_body(settings: NetworkSettings, width: int) -> keras.Model:
    """Make float32[n, width], standardised context -> float32[n, towers * last units]."""
    import keras

    context = keras.Input((width,))
    towers = []
    for _ in range(settings.towers):
        x = keras.layers.GaussianNoise(settings.context_noise)(context)
        x = keras.layers.Dropout(settings.context_dropout)(x)
        for units in settings.context_units:
            x = keras.layers.Dropout(settings.dropout)(keras.layers.Dense(units, activation="relu")(x))
        towers.append(x)
    features = towers[0] if len(towers) == 1 else keras.ops.concatenate(towers, axis=1)
    return keras.Model(context, features, name=BODY)


def _study_body() -> keras.Model:
    """Make float32[n, 187] -> float32[n, 128], the study's layers up to the one that its transfer kept."""
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
    """Make float32[n, 128] -> float32[n, 1, 5], the study's last layers."""
    import keras

    layers = keras.layers
    stack = [layers.Dropout(0.5), layers.Dense(64, activation="relu"), layers.Dense(len(CLASSES))]
    return keras.Sequential([*stack, layers.Reshape((1, len(CLASSES)))], name=HEAD)
