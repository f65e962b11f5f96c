"""How samples are spread over 0..1: counted in blocks, compared later with what is scored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from components.beats.beat import SAMPLES

BINS = 32
"""Equal bins over 0..1; the last includes 1. Padding counts too: how long beats are is part of what is seen."""


BLOCK = 4096
"""Examples read at a time: 3 MB of signal."""


def signal_blocks(split_dir: str) -> Iterator[npt.NDArray[np.float32]]:
    """The signals of a split of examples, float32[up to 4096, 187] at a time.

    Args:
        split_dir: folder or URI of one split, such as `.../Split-train`.
    """
    import tensorflow as tf

    from components.ingest.examples import example_files

    features = {"signal": tf.io.FixedLenFeature([SAMPLES], tf.float32)}
    for batch in tf.data.TFRecordDataset(example_files(split_dir)).batch(BLOCK):
        yield tf.io.parse_example(batch, features)["signal"].numpy()


def count_samples(blocks: Iterable[npt.NDArray[np.float32]]) -> npt.NDArray[np.int64]:
    """Count samples by value.

    Args:
        blocks: of any shape, float32, values in 0..1.

    Returns:
        int64[32].
    """
    counts = np.zeros(BINS, dtype=np.int64)
    for block in blocks:
        bin_of = np.minimum((block.ravel() * BINS).astype(np.int64), BINS - 1)
        counts += np.bincount(bin_of, minlength=BINS)
    return counts


def histogram_json(counts: npt.NDArray[np.int64]) -> dict[str, Any]:
    """What `histogram.json` holds: {"low": 0, "high": 1, "bins": 32, "counts": [32]}."""
    return {"low": 0.0, "high": 1.0, "bins": BINS, "counts": counts.tolist()}
