"""Changes to a batch of beats that leave their class alone; all on samples in 0..1, all from a seed a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from components.beat import SAMPLES
from components.transform.noise import add_noise
from components.transform.preprocessing import NOISE_DRAW

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True)
class Augmentation:
    """What is done to a batch.

    Attributes:
        stretch: largest relative change of the time scale.
        mix: largest share of another beat.
        noise: fresh: new noise in every batch; fixed: a beat's draw 0, on every beat, whatever the shares say.
        noisy_share: share of the beats that get fresh noise.
        wide_share: share of those whose noise level is uniform in 0..noise_max; the others' is noise_sd.
        noise_sd: in units of the samples.
        noise_max: in units of the samples.
    """

    stretch: float = 0.0
    mix: float = 0.0
    noise: Literal["none", "fresh", "fixed"] = "none"
    noisy_share: float = 0.0
    wide_share: float = 0.0
    noise_sd: float = 0.0
    noise_max: float = 0.0


def augment(signal: tf.Tensor, target: tf.Tensor, seed: tf.Tensor, how: Augmentation) -> tuple[tf.Tensor, tf.Tensor]:
    """Stretch, mix, then add noise: what the recorder adds comes after what the heart does.

    Args:
        signal: float32[n, 187], 0..1.
        target: float32[n, 5], class shares.
        seed: int64[2]; the same seed gives the same batch.
        how: which changes, and how large.
    """
    if how.stretch:
        signal = stretch(signal, how.stretch, seed)
    if how.mix:
        signal, target = mix(signal, target, how.mix, seed)
    if how.noise == "fresh":
        signal = add_fresh_noise(signal, seed, how)
    if how.noise == "fixed":
        signal = add_noise(signal, NOISE_DRAW, how.noise_sd)
    return signal, target


def stretch(signal: tf.Tensor, largest: float, seed: tf.Tensor) -> tf.Tensor:
    """Change the time scale about sample 0, the R peak, by a factor in 1 - largest .. 1 + largest for each beat.

    Samples between two are interpolated; past the last one there is padding.
    """
    import tensorflow as tf

    factor = _uniform(seed, 1, (tf.shape(signal)[0], 1), 1 - largest, 1 + largest)
    place = factor * tf.range(SAMPLES, dtype=tf.float32)  # (n, 187), in samples of the old beat
    left = tf.floor(place)
    index = tf.minimum(tf.cast(left, tf.int32), SAMPLES)
    padded = tf.pad(signal, ((0, 0), (0, 2)))  # (n, 189)
    rise = place - left
    low = tf.gather(padded, index, batch_dims=1)
    high = tf.gather(padded, index + 1, batch_dims=1)
    return low + tf.minimum(rise, 1.0) * (high - low)


def mix(signal: tf.Tensor, target: tf.Tensor, largest: float, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mix each beat with a share in 0 .. largest of the batch's next one, labels in the same shares."""
    import tensorflow as tf

    share = _uniform(seed, 2, (tf.shape(signal)[0], 1), 0.0, largest)
    signal = signal + share * (tf.roll(signal, 1, axis=0) - signal)
    return signal, target + share * (tf.roll(target, 1, axis=0) - target)


def add_fresh_noise(signal: tf.Tensor, seed: tf.Tensor, how: Augmentation) -> tf.Tensor:
    """Add Gaussian noise of a fixed or a drawn level to some of the beats, padding included."""
    import tensorflow as tf

    shape = (tf.shape(signal)[0], 1)
    wide = _uniform(seed, 3, shape, 0.0, 1.0) < how.wide_share
    level = tf.where(wide, _uniform(seed, 4, shape, 0.0, how.noise_max), how.noise_sd)
    level = tf.where(_uniform(seed, 5, shape, 0.0, 1.0) < how.noisy_share, level, 0.0)
    return signal + level * tf.random.stateless_normal(tf.shape(signal), _purpose(seed, 6))


def _uniform(seed: tf.Tensor, purpose: int, shape: tuple[tf.Tensor | int, ...], low: float, high: float) -> tf.Tensor:
    """Uniform numbers; each purpose has its own, from the one seed of the batch."""
    import tensorflow as tf

    return tf.random.stateless_uniform(shape, _purpose(seed, purpose), low, high)


def _purpose(seed: tf.Tensor, purpose: int) -> tf.Tensor:
    import tensorflow as tf

    return seed + tf.constant([0, purpose], tf.int64)
