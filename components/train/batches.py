"""Batches of beats for training: rows chosen by policy and shuffled, then changed without changing their class.

All changes are made to samples in 0..1, from one seed per batch; normalisation comes last.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, SAMPLES
from components.errors import DataRefused
from components.train.data import Spool
from components.train.settings import NOT_WEIGHTED, ClassWeight
from components.transform.noise import add_noise
from components.transform.preprocessing import NOISE_DRAW

if TYPE_CHECKING:
    import tensorflow as tf

_SEEDS_A_BATCH = 8
"""Seeds reserved for one batch: one for each kind of change."""


@dataclass(frozen=True)
class Batches:
    """An endless stream of batches.

    Attributes:
        dataset: (beats float32[batch, 187 or k] normalised, target float32[batch, 5], weight float32[batch]).
        steps: batches per epoch.
    """

    dataset: tf.data.Dataset
    steps: int


@dataclass(frozen=True)
class Augmentation:
    """The changes made to a batch.

    Attributes:
        stretch: largest relative change of the time scale.
        mix: largest share of another beat.
        noise: fresh: new noise in every batch; fixed: a beat's draw 0, on every beat, regardless of the shares.
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


def choose_rows(
    label: npt.NDArray[np.int64], policy: str, share: float, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Choose the rows of an epoch, int64[rows], in no particular order.

    Args:
        label: int64[n].
        policy: `natural`, or `balanced:N` for N rows of each class.
        share: the part of each class's rows that may be chosen; at least one row.
        rng: used for the choice.

    Raises:
        DataRefused: a balanced policy and a class without rows.
    """
    by_class = [rng.permutation(np.flatnonzero(label == index)) for index in range(len(CLASSES))]
    if share < 1:
        by_class = [rows[: math.ceil(len(rows) * share)] for rows in by_class]
    if policy == "natural":
        return np.concatenate(by_class)
    count = int(policy.removeprefix("balanced:"))
    missing = [CLASSES[index] for index, rows in enumerate(by_class) if not len(rows)]
    if missing:
        raise DataRefused(f"Policy {policy} needs train beats of every class; there is none of {', '.join(missing)}.")
    return np.concatenate([rng.choice(rows, count, replace=len(rows) < count) for rows in by_class])


def make_batches(
    spool: Spool,
    rows: npt.NDArray[np.int64],
    batch: int,
    augmentation: Augmentation,
    normalise: Callable[[tf.Tensor], tf.Tensor],
    seed: int,
    class_weight: ClassWeight = NOT_WEIGHTED,
) -> Batches:
    """Shuffle the rows for each epoch and make batches of them, the same ones for the same seed.

    Args:
        spool: the beats; column `clean`.
        rows: int64[rows], one epoch.
        batch: beats per batch; an epoch's last beats share a batch with the next one's first.
        augmentation: changes to the beats.
        normalise: Transform's normalisation.
        seed: of order and changes.
        class_weight: how much more rare classes count.
    """
    import tensorflow as tf

    weights = tf.constant(class_weights(spool.label[rows], class_weight.powers), tf.float32)

    matrix = spool.columns["clean"]

    def pick() -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]]:
        for chosen in row_batches(rows, batch, np.random.default_rng(seed)):
            yield matrix[chosen], spool.label[chosen]

    def prepare(number: tf.Tensor, beats: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        signal, label = beats
        seeds = tf.stack([tf.constant(seed, tf.int64), number * _SEEDS_A_BATCH])
        signal, target = augment(signal, tf.one_hot(label, len(CLASSES)), seeds, augmentation)
        return normalise(signal), target, tf.gather(weights, label)

    signature = (tf.TensorSpec((batch, matrix.shape[1]), tf.float32), tf.TensorSpec((batch,), tf.int64))
    dataset = tf.data.Dataset.from_generator(pick, output_signature=signature)
    dataset = dataset.enumerate().map(prepare, num_parallel_calls=1, deterministic=True).prefetch(4)
    return Batches(dataset, max(1, round(len(rows) / batch)))


def class_weights(label: npt.NDArray[np.int64], powers: Sequence[float]) -> npt.NDArray[np.float64]:
    """Return float64[5], the weight of a beat of each class, on average 1 over these beats.

    That is (beats of N / beats of the class) to the class's power; a class without beats counts as if it had one.
    """
    counts = np.bincount(label, minlength=len(CLASSES))
    weights: npt.NDArray[np.float64] = (max(counts[0], 1) / np.maximum(counts, 1)) ** np.array(powers)
    return weights * counts.sum() / (weights * counts).sum()


def row_batches(rows: npt.NDArray[np.int64], batch: int, rng: np.random.Generator) -> Iterator[npt.NDArray[np.int64]]:
    """Yield endless batches of rows: one permutation after another, cut into equal pieces."""
    rest = np.empty(0, np.int64)
    while True:
        rest = np.concatenate([rest, rng.permutation(rows)])
        whole = len(rest) // batch * batch
        yield from rest[:whole].reshape(-1, batch)
        rest = rest[whole:]


def augment(
    signal: tf.Tensor, target: tf.Tensor, seed: tf.Tensor, augmentation: Augmentation
) -> tuple[tf.Tensor, tf.Tensor]:
    """Stretch, mix, then add noise: the recorder's effects come after the heart's.

    Args:
        signal: float32[n, 187], 0..1.
        target: float32[n, 5], class shares.
        seed: int64[2]; the same seed gives the same batch.
        augmentation: which changes, and how large.
    """
    if augmentation.stretch:
        signal = stretch(signal, augmentation.stretch, seed)
    if augmentation.mix:
        signal, target = mix(signal, target, augmentation.mix, seed)
    if augmentation.noise == "fresh":
        signal = add_fresh_noise(signal, seed, augmentation)
    if augmentation.noise == "fixed":
        signal = add_noise(signal, NOISE_DRAW, augmentation.noise_sd)
    return signal, target


def stretch(signal: tf.Tensor, largest: float, seed: tf.Tensor) -> tf.Tensor:
    """Scale each beat's time axis about sample 0, the R peak, by a factor in 1 - largest .. 1 + largest.

    Values between two samples are interpolated; after the last sample there is padding.
    """
    import tensorflow as tf

    factor = _uniform(seed, 1, (tf.shape(signal)[0], 1), 1 - largest, 1 + largest)
    position = factor * tf.range(SAMPLES, dtype=tf.float32)  # (n, 187), in samples of the old beat
    before = tf.floor(position)
    index = tf.minimum(tf.cast(before, tf.int32), SAMPLES)
    padded = tf.pad(signal, ((0, 0), (0, 2)))  # (n, 189)
    low = tf.gather(padded, index, batch_dims=1)
    high = tf.gather(padded, index + 1, batch_dims=1)
    return low + tf.minimum(position - before, 1.0) * (high - low)


def mix(signal: tf.Tensor, target: tf.Tensor, largest: float, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mix each beat with a share in 0 .. largest of the batch's next one, labels in the same shares."""
    import tensorflow as tf

    share = _uniform(seed, 2, (tf.shape(signal)[0], 1), 0.0, largest)
    signal = signal + share * (tf.roll(signal, 1, axis=0) - signal)
    return signal, target + share * (tf.roll(target, 1, axis=0) - target)


def add_fresh_noise(signal: tf.Tensor, seed: tf.Tensor, augmentation: Augmentation) -> tf.Tensor:
    """Add Gaussian noise of a fixed or a drawn level to some of the beats, padding included."""
    import tensorflow as tf

    shape = (tf.shape(signal)[0], 1)
    wide = _uniform(seed, 3, shape, 0.0, 1.0) < augmentation.wide_share
    level = tf.where(wide, _uniform(seed, 4, shape, 0.0, augmentation.noise_max), augmentation.noise_sd)
    level = tf.where(_uniform(seed, 5, shape, 0.0, 1.0) < augmentation.noisy_share, level, 0.0)
    return signal + level * tf.random.stateless_normal(tf.shape(signal), _seed_for(seed, 6))


def _uniform(seed: tf.Tensor, purpose: int, shape: tuple[tf.Tensor | int, ...], low: float, high: float) -> tf.Tensor:
    """Draw uniform numbers; each purpose has its own, derived from the batch's seed."""
    import tensorflow as tf

    return tf.random.stateless_uniform(shape, _seed_for(seed, purpose), low, high)


def _seed_for(seed: tf.Tensor, purpose: int) -> tf.Tensor:
    import tensorflow as tf

    return seed + tf.constant([0, purpose], tf.int64)
