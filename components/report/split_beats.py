"""Beats of a split, read block by block: a survey of what the split holds, and single rows of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, SAMPLES, Beats
from components.errors import HeartbeatError
from components.io.examples import example_files

BLOCK: Final = 4096
"""Beats read at a time: 3 MB of signal."""

SURVEYED: Final = 200_000
"""Most beats that a survey reads: a few seconds."""

KEPT: Final = 200
"""Beats of each class that a survey keeps: enough for the middle 80 % of a class."""


@dataclass(frozen=True)
class Survey:
    """What the first beats of a split look like.

    Attributes:
        label: int64[n], of the n beats read, in the split's order.
        kept: the first beats of each class.
        rows: the row numbers of the kept beats, int64 for each class.
        mean: float32[187], of all beats read; zeros if there are none.
    """

    label: npt.NDArray[np.int64]
    kept: tuple[Beats, ...]
    rows: tuple[npt.NDArray[np.int64], ...]
    mean: npt.NDArray[np.float32]


def read_blocks(split_dir: str) -> Iterator[Beats]:
    """Yield the beats of a split, up to 4096 at a time, files in the order of their names.

    Args:
        split_dir: folder or URI of one split, such as `.../Split-train`.
    """
    import tensorflow as tf

    features = {
        "signal": tf.io.FixedLenFeature([SAMPLES], tf.float32),
        "label": tf.io.FixedLenFeature([], tf.int64),
        "record": tf.io.FixedLenFeature([], tf.string, default_value=""),
    }
    for batch in tf.data.TFRecordDataset(example_files(split_dir)).batch(BLOCK):
        parsed = tf.io.parse_example(batch, features)
        record = tuple(name.decode("utf-8", "backslashreplace") for name in parsed["record"].numpy().tolist())
        yield Beats(parsed["signal"].numpy(), parsed["label"].numpy(), record if any(record) else None)


def survey(blocks: Iterator[Beats]) -> Survey:
    """Read up to SURVEYED beats and keep the first KEPT of each class."""
    labels = [np.empty(0, np.int64)]
    kept: list[list[Beats]] = [[] for _ in CLASSES]
    rows: list[list[npt.NDArray[np.int64]]] = [[np.empty(0, np.int64)] for _ in CLASSES]
    total, read = np.zeros(SAMPLES), 0
    for block in blocks:
        labels.append(block.label)
        total += block.signal.sum(axis=0, dtype=np.float64)
        for index in range(len(CLASSES)):
            first = np.flatnonzero(block.label == index)[: KEPT - sum(map(len, kept[index]))]
            kept[index].append(take(block, first))
            rows[index].append(first + read)
        read += len(block)
        if read >= SURVEYED:
            break
    return Survey(
        label=np.concatenate(labels),
        kept=tuple(concatenate(parts) for parts in kept),
        rows=tuple(np.concatenate(parts) for parts in rows),
        mean=(total / max(read, 1)).astype(np.float32),
    )


def rows_of(blocks: Iterator[Beats], rows: Sequence[int]) -> Beats:
    """Read some rows of a split, in the order given; a row may be named twice.

    Raises:
        HeartbeatError: the split has fewer rows.
    """
    wanted, position = np.unique(np.asarray(rows, np.int64), return_inverse=True)
    parts, read = list[Beats](), 0
    for block in blocks:
        here = wanted[(wanted >= read) & (wanted < read + len(block))]
        parts.append(take(block, here - read))
        read += len(block)
        if not len(wanted) or read > wanted[-1]:
            break
    beats = concatenate(parts)
    if len(beats) != len(wanted):
        raise HeartbeatError(f"The split has {read:,} beats; it has no row {wanted[-1]:,}.")
    return take(beats, position)


def take(beats: Beats, rows: npt.NDArray[np.int64]) -> Beats:
    """Return the beats at these rows."""
    record = None if beats.record is None else tuple(beats.record[row] for row in rows)
    return Beats(beats.signal[rows], beats.label[rows], record)


def concatenate(parts: Sequence[Beats]) -> Beats:
    """Join beats; they keep their records only if every part that is not empty has them."""
    parts = [part for part in parts if len(part)]
    return Beats(
        np.concatenate([np.empty((0, SAMPLES), np.float32), *(part.signal for part in parts)]),
        np.concatenate([np.empty(0, np.int64), *(part.label for part in parts)]),
        tuple(name for part in parts for name in part.record or ()) if parts and all(p.record for p in parts) else None,
    )
