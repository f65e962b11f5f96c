"""A small residual network, exported as a trained one is, with its int8 model."""

from __future__ import annotations

from pathlib import Path

from components.beat import CLASSES, SAMPLES
from components.io.artifact_files import INT8_FILE
from components.push.precision import quantised
from components.train.calibrate import Certainty
from tests.evaluate.tiny_model import some_beats

THRESHOLD = 0.6


def save_quantised(folder: Path) -> Path:
    """Export a network with fresh weights, whose logits are small: the temperature spreads them."""
    import keras
    import tensorflow as tf

    from components.train.export import export_model
    from components.train.networks import build_network
    from components.train.settings import NetworkSettings

    keras.utils.set_random_seed(1)
    network = NetworkSettings(stem_filters=8, block_filters=(8, 16), head_units=16)
    normalise = tf.function(lambda signal: (signal - 0.3) / 0.2).get_concrete_function(
        tf.TensorSpec((None, SAMPLES), tf.float32)
    )
    certainty = Certainty(0.03, THRESHOLD, (1 / len(CLASSES),) * len(CLASSES), {"clean": 0.0, "noisy": 0.0})
    export_model(build_network(network), network, normalise, str(folder), certainty)
    (folder / INT8_FILE).write_bytes(quantised(str(folder), some_beats(200, seed=1).signal))
    return folder
