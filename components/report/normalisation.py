"""What Transform did to the samples, read off the beats that it wrote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from components.beat import SAMPLES
from components.errors import HeartbeatError

READ: Final = 256
"""Beats that the two numbers are read off."""

CLOSE: Final = 1e-3
"""Largest difference from what Transform wrote that rounding explains."""


@dataclass(frozen=True)
class Normalisation:
    """normalised = (sample - mean) / deviation, the same two numbers for all samples."""

    mean: float
    deviation: float

    def of(self, signal: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Normalise samples of any shape.

        Source: the two numbers, as Transform used them.
        """
        return ((signal - self.mean) / self.deviation).astype(np.float32)


def read_normalisation(split_dir: str) -> Normalisation:
    """Find both numbers from the first transformed beats of a split.

    Args:
        split_dir: folder of one split of the transformed examples, which hold a beat as it came and normalised.

    Raises:
        HeartbeatError: there is no transformed beat, or its samples were not all treated alike.
    """
    import tensorflow as tf

    files = sorted(tf.io.gfile.glob(f"{split_dir}/*.gz"))
    features = {name: tf.io.FixedLenFeature([SAMPLES], tf.float32) for name in ("clean", "signal")}
    batch = next(iter(tf.data.TFRecordDataset(files, compression_type="GZIP").batch(READ)), None)
    if batch is None:
        raise HeartbeatError(f"There is no transformed beat in {split_dir}.")
    parsed = tf.io.parse_example(batch, features)
    clean, normalised = (parsed[name].numpy().astype(np.float64).ravel() for name in ("clean", "signal"))
    slope, offset = np.polyfit(clean, normalised, 1)
    if np.abs(slope * clean + offset - normalised).max() > CLOSE:
        raise HeartbeatError("Transform did not treat all samples alike; the normalised table cannot be made.")
    return Normalisation(float(-offset / slope), float(1 / slope))
