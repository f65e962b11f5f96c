"""How a saved model answers beats, and how beats get their noise: TensorFlow behind plain arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.evaluate.judge import Predict
from components.train.served import ServedModel
from components.transform.noise import add_noise

BLOCK = 8192
"""Beats that get their noise at a time: 6 MB of signal."""


def served(model_dir: str) -> Predict:
    """How the model in a SavedModel directory answers through its `beats` signature."""
    return ServedModel(model_dir).probabilities


def noisy_signal(signal: npt.NDArray[np.float32], draw: int, sd: float) -> npt.NDArray[np.float32]:
    """One draw of noise on every beat, block by block.

    Args:
        signal: float32[n, 187], 0..1.
        draw: number of the draw.
        sd: in units of the samples.

    Returns:
        float32[n, 187].
    """
    blocks = [np.asarray(add_noise(signal[at : at + BLOCK], draw, sd)) for at in range(0, len(signal), BLOCK)]
    return np.concatenate(blocks)
