"""Batches of beats for training: chosen by policy, shuffled, augmented, normalised."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, SAMPLES
from components.errors import DataRefused
from components.train.augment import Augmentation, augment
from components.train.spool import Spool

if TYPE_CHECKING:
    import tensorflow as tf

_SEEDS_A_BATCH = 8
"""Seeds set aside for one batch: one for each kind of change."""


@dataclass(frozen=True)
class Batches:
    """An endless stream of batches, and how many of them make an epoch.

    Attributes:
        dataset: (signal float32[batch, 187] normalised, target float32[batch, 5]).
        steps: batches an epoch.
    """

    dataset: tf.data.Dataset
    steps: int


def choose_rows(
    label: npt.NDArray[np.int64], policy: str, share: float, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Rows that make an epoch, in no order: int64[rows].

    Args:
        label: int64[n].
        policy: `natural`, or `balanced:N` for N rows a class.
        share: of each class's rows, the part that may be chosen; at least one row.
        rng: used for the choice.

    Raises:
        DataRefused: a balanced policy and a class without rows.
    """
    by_class = [rng.permutation(np.flatnonzero(label == index)) for index in range(len(CLASSES))]
    if share < 1:
        by_class = [rows[: math.ceil(len(rows) * share)] for rows in by_class]
    if policy == "natural":
        return np.concatenate(by_class)
    wanted = int(policy.removeprefix("balanced:"))
    missing = [CLASSES[index] for index, rows in enumerate(by_class) if not len(rows)]
    if missing:
        raise DataRefused(f"Policy {policy} needs train beats of every class; there is none of {', '.join(missing)}.")
    return np.concatenate([rng.choice(rows, wanted, replace=len(rows) < wanted) for rows in by_class])


def make_batches(
    spool: Spool,
    rows: npt.NDArray[np.int64],
    batch: int,
    how: Augmentation,
    normalise: Callable[[tf.Tensor], tf.Tensor],
    seed: int,
) -> Batches:
    """Shuffle the rows anew each epoch and make batches of them, the same ones for the same seed.

    Args:
        spool: the beats; column `clean`.
        rows: int64[rows], one epoch.
        batch: beats a batch; an epoch's last beats share a batch with the next one's first.
        how: changes to the beats.
        normalise: Transform's normalisation.
        seed: of order and changes.
    """
    import tensorflow as tf

    matrix = spool.columns["clean"]

    def picked() -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]]:
        for chosen in row_batches(rows, batch, np.random.default_rng(seed)):
            yield matrix[chosen], spool.label[chosen]

    def prepare(number: tf.Tensor, beats: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        signal, label = beats
        target = tf.one_hot(label, len(CLASSES))
        signal, target = augment(signal, target, tf.stack([tf.constant(seed, tf.int64), number * _SEEDS_A_BATCH]), how)
        return normalise(signal), target

    signature = (tf.TensorSpec((batch, SAMPLES), tf.float32), tf.TensorSpec((batch,), tf.int64))
    dataset = tf.data.Dataset.from_generator(picked, output_signature=signature)
    dataset = dataset.enumerate().map(prepare, num_parallel_calls=1, deterministic=True).prefetch(4)
    return Batches(dataset, max(1, round(len(rows) / batch)))


def row_batches(rows: npt.NDArray[np.int64], batch: int, rng: np.random.Generator) -> Iterator[npt.NDArray[np.int64]]:
    """Endless batches of rows: one permutation after another, cut into equal pieces."""
    rest = np.empty(0, np.int64)
    while True:
        rest = np.concatenate([rest, rng.permutation(rows)])
        whole = len(rest) // batch * batch
        yield from rest[:whole].reshape(-1, batch)
        rest = rest[whole:]
