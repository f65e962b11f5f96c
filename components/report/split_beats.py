"""Beats of a split, read block by block: a survey of what it holds, or a few rows of it."""

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
        row: class -> int64, the rows of the kept ones.
        mean: float32[187], of all beats read; zeros without any.
    """

    label: npt.NDArray[np.int64]
    kept: tuple[Beats, ...]
    row: tuple[npt.NDArray[np.int64], ...]
    mean: npt.NDArray[np.float32]


def blocks(split_dir: str) -> Iterator[Beats]:
    """The beats of a split, up to 4096 at a time, files in the order of their names.

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


def survey(split: Iterator[Beats]) -> Survey:
    """Read up to SURVEYED beats and keep the first KEPT of each class."""
    labels: list[npt.NDArray[np.int64]] = []
    found: list[list[tuple[Beats, npt.NDArray[np.int64]]]] = [[] for _ in CLASSES]
    counts, total, seen = [0] * len(CLASSES), np.zeros(SAMPLES), 0
    for block in split:
        labels.append(block.label)
        total += block.signal.sum(axis=0, dtype=np.float64)
        for index in range(len(CLASSES)):
            rows = np.flatnonzero(block.label == index)[: KEPT - counts[index]]
            if len(rows):
                found[index].append((picked(block, rows), rows + seen))
                counts[index] += len(rows)
        seen += len(block)
        if seen >= SURVEYED:
            break
    return Survey(
        label=np.concatenate([np.empty(0, np.int64), *labels]),
        kept=tuple(joined([beats for beats, _ in of]) for of in found),
        row=tuple(np.concatenate([np.empty(0, np.int64), *(rows for _, rows in of)]) for of in found),
        mean=(total / max(seen, 1)).astype(np.float32),
    )


def rows_of(split: Iterator[Beats], rows: Sequence[int]) -> Beats:
    """Some beats of a split, in the order asked for.

    Raises:
        HeartbeatError: the split has fewer rows.
    """
    wanted = np.array(rows, np.int64)
    place, parts, seen = np.argsort(wanted, kind="stable"), list[Beats](), 0
    for block in split:
        here = wanted[place[(wanted[place] >= seen) & (wanted[place] < seen + len(block))]] - seen
        parts.append(picked(block, here))
        seen += len(block)
        if len(wanted) == 0 or seen > wanted.max():
            break
    found = joined(parts)
    if len(found) != len(wanted):
        raise HeartbeatError(f"The split has {seen:,} beats; row {int(wanted.max()):,} was asked for.")
    return picked(found, np.argsort(place, kind="stable"))


def picked(beats: Beats, rows: npt.NDArray[np.int64]) -> Beats:
    """The beats at these places."""
    record = None if beats.record is None else tuple(beats.record[row] for row in rows)
    return Beats(beats.signal[rows], beats.label[rows], record)


def joined(parts: Sequence[Beats]) -> Beats:
    """One after another; their records only if every part that is not empty has them."""
    parts = [part for part in parts if len(part)]
    return Beats(
        np.concatenate([np.empty((0, SAMPLES), np.float32), *(part.signal for part in parts)]),
        np.concatenate([np.empty(0, np.int64), *(part.label for part in parts)]),
        tuple(name for part in parts for name in part.record or ()) if parts and all(p.record for p in parts) else None,
    )
