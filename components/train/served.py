"""A SavedModel as it is served, for anything that scores many beats."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES


class ServedModel:
    """The `beats` signature of a SavedModel.

    Args:
        model_dir: the SavedModel's directory (a trained model's `Format-Serving`, or a pushed version).
    """

    def __init__(self, model_dir: str) -> None:
        import tensorflow as tf

        self._model = tf.saved_model.load(model_dir)  # kept: the signature does not keep its variables alive
        self._signature = self._model.signatures["beats"]

    def probabilities(self, signal: npt.NDArray[np.float32], batch: int = 2048) -> npt.NDArray[np.float32]:
        """Probabilities float32[n, 5] of beats float32[n, 187] in 0..1, scored in batches of `batch`."""
        import tensorflow as tf

        parts = [np.empty((0, len(CLASSES)), np.float32)]
        for start in range(0, len(signal), batch):
            block = tf.constant(signal[start : start + batch], tf.float32)
            parts.append(self._signature(signal=block)["probabilities"].numpy())
        return np.concatenate(parts)
