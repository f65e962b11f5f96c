"""A SavedModel with the two served signatures and hand-set weights, for tests of what reads such models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, SAMPLES, Beats


def some_beats(rows: int, seed: int = 0, absent: str = "", shares=None) -> Beats:
    """Beats whose class shows in which fifth of the window the bump is; noisy enough for mistakes.

    Args:
        rows: how many.
        seed: of the drawing.
        absent: symbols of classes that get no beat.
        shares: how often each class comes; equally often without it.
    """
    rng = np.random.default_rng(seed)
    present = [index for index, symbol in enumerate(CLASSES) if symbol not in absent]
    label = rng.choice(present, size=rows, p=shares).astype(np.int64)
    signal = rng.uniform(0, 0.6, (rows, SAMPLES))
    width = SAMPLES // len(CLASSES)
    for row, of in enumerate(label):
        signal[row, of * width : (of + 1) * width] += rng.uniform(0.02, 0.2)
    return Beats(np.clip(signal, 0, 1).astype(np.float32), label)


def template_weights(sharpness: float = 40.0) -> npt.NDArray[np.float32]:
    """float32[187, 5]: each class looks at its fifth of the window."""
    weights = np.zeros((SAMPLES, len(CLASSES)), np.float32)
    width = SAMPLES // len(CLASSES)
    for of in range(len(CLASSES)):
        weights[of * width : (of + 1) * width, of] = sharpness / width
    return weights


def save_tiny_model(folder: Path, weights: npt.NDArray[np.float32], threshold: float | None = None) -> Path:
    """Save softmax(signal @ weights) under both signatures, with a Keras file's stand-in among its assets.

    Args:
        folder: where to.
        weights: float32[187, 5].
        threshold: with one, the signatures also say that the model abstains, where no probability reaches it.
    """
    import tensorflow as tf

    class Tiny(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = tf.Variable(weights)

        @tf.function(input_signature=[tf.TensorSpec([None, SAMPLES], tf.float32, name="signal")])
        def beats(self, signal):
            # Summed in double precision: single gives, from one processor and batch to the next, other last digits.
            logits = tf.cast(signal, tf.float64) @ tf.cast(self.weights, tf.float64)
            told = {"probabilities": tf.cast(tf.nn.softmax(logits), tf.float32)}
            if threshold is not None:
                told["abstain"] = tf.reduce_max(told["probabilities"], axis=1) < threshold
            return told

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def serving_default(self, examples):
            features = {"signal": tf.io.FixedLenFeature([SAMPLES], tf.float32)}
            return self.beats(tf.io.parse_example(examples, features)["signal"])

    model = Tiny()
    signatures = {"beats": model.beats, "serving_default": model.serving_default}
    tf.saved_model.save(model, str(folder), signatures=signatures)
    beside = folder / "assets.extra" / "heartbeat"
    beside.mkdir(parents=True)
    (beside / "model.keras").write_bytes(b"keras")
    return folder


def answers_of(signal: npt.NDArray[np.float32], weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The same model in numpy: float32[n, 187] -> float32[n, 5]."""
    logits = signal.astype(np.float64) @ weights
    grown = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (grown / grown.sum(axis=1, keepdims=True)).astype(np.float32)
