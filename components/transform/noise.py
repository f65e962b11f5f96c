"""The study's noise: Gaussian, drawn for each beat from the beat's own content and the number of the draw.

A beat gets the same noise in any batch, order, process or graph. So there is no stateful generator (counters are
hashed) and no log or cosine (their vectorised and scalar forms differ in the last bit, and a sample's position in the
batch decides which is used): a normal number is the sum of two table look-ups.
"""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from components.beat import SAMPLES

if TYPE_CHECKING:
    import tensorflow as tf

TABLE_BITS = 16
"""Bits of one look-up: half of a hash. The sum of two look-ups has 32 bits and reaches 6 standard deviations."""

_WORD = 1 << 32
_GOLDEN = 0x9E3779B9  # 2**32 / golden ratio, odd: consecutive multiples are spread over all words
_DRAW_STEP = 0x85EBCA6B  # odd, unrelated to _GOLDEN: draws do not run into samples


def add_noise(signal: tf.Tensor, draw: int, sd: float = 0.05) -> tf.Tensor:
    """Return the beats with Gaussian noise on every sample, padding included.

    Args:
        signal: float32[n, 187], 0..1.
        draw: number of the draw, 0 or more; each gives other noise to the same beat.
        sd: standard deviation of the noise, in units of the samples.

    Returns:
        float32[n, 187]; not clipped, so some samples leave 0..1.
    """
    return signal + sd * normal_numbers(signal, draw)


def normal_numbers(signal: tf.Tensor, draw: int) -> tf.Tensor:
    """Return standard normal numbers, float32[n, 187], that depend on each row's bits and the draw alone."""
    import tensorflow as tf

    first, second = _beat_keys(signal, draw)
    counters = tf.constant(_multiples(_GOLDEN))
    words = _mix(_mix(tf.bitwise.bitwise_xor(first, counters)) + second)
    table = tf.constant(_half_normals())
    low = tf.bitwise.bitwise_and(words, tf.constant((1 << TABLE_BITS) - 1, tf.uint32))
    high = tf.bitwise.right_shift(words, tf.constant(TABLE_BITS, tf.uint32))
    return tf.gather(table, tf.bitcast(low, tf.int32)) + tf.gather(table, tf.bitcast(high, tf.int32))


def _beat_keys(signal: tf.Tensor, draw: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Two independent words, uint32[n, 1] each, of a beat's content and the draw.

    One word is too few: among a hundred thousand beats some would share a run of counters.
    """
    import tensorflow as tf

    salted = tf.bitcast(signal, tf.uint32) + tf.constant(_multiples(_GOLDEN))
    digests = _mix(salted)  # uint32[n, 187]
    weights = tf.constant(_multiples(2 * _DRAW_STEP) + np.uint32(1))  # odd, so that no bit of a digest is lost
    step = tf.constant(draw * _DRAW_STEP % _WORD, tf.uint32)
    first = tf.reduce_sum(digests, axis=1, keepdims=True)
    second = tf.reduce_sum(digests * weights, axis=1, keepdims=True)
    return _mix(first + step), _mix(second ^ step)


def _mix(words: tf.Tensor) -> tf.Tensor:
    """Mix 32-bit words by a bijection in which every input bit reaches every output bit."""
    import tensorflow as tf

    def fold(value: tf.Tensor, bits: int) -> tf.Tensor:
        return tf.bitwise.bitwise_xor(value, tf.bitwise.right_shift(value, tf.constant(bits, tf.uint32)))

    words = fold(words, 16) * tf.constant(0x7FEB352D, tf.uint32)
    words = fold(words, 15) * tf.constant(0x846CA68B, tf.uint32)
    return fold(words, 16)


def _multiples(step: int) -> npt.NDArray[np.uint32]:
    """uint32[187]: the step times 1, 2, 3 ..., wrapped to 32 bits."""
    return np.asarray([step * (sample + 1) % _WORD for sample in range(SAMPLES)], dtype=np.uint32)


@lru_cache(maxsize=1)
def _half_normals() -> npt.NDArray[np.float32]:
    """float32[65536]: evenly spaced normal quantiles with variance 1/2, so that the sum of two has variance 1."""
    size = 1 << TABLE_BITS
    normal = NormalDist()
    quantiles = np.asarray([normal.inv_cdf((index + 0.5) / size) for index in range(size)])
    return (quantiles / quantiles.std() / np.sqrt(2)).astype(np.float32)
