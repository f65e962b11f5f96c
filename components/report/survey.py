"""A survey of the first beats of a split, and some of its rows by number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, SAMPLES, Beats, concatenate
from components.errors import HeartbeatError

SURVEYED: Final = 200_000
"""Maximum beats that a survey reads: a few seconds."""

KEPT: Final = 200
"""Beats of each class that a survey keeps: enough for the middle 80 % of a class."""


@dataclass(frozen=True)
class Survey:
    """A survey of the first n beats of a split."""

    label: npt.NDArray[np.int64]  # of all n, in the split's order
    kept: tuple[Beats, ...]  # the first beats of each class
    rows: tuple[npt.NDArray[np.int64], ...]  # row numbers of the kept beats, for each class
    mean: npt.NDArray[np.float32]  # float32[187], of all n; zeros if there are none


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
            kept[index].append(block.take(first))
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


def rows_of(blocks: Iterator[Beats], rows: npt.NDArray[np.int64]) -> Beats:
    """Read some rows of a split, in the order given; a row may be named twice.

    Raises:
        HeartbeatError: the split has fewer rows.
    """
    wanted, position = np.unique(rows, return_inverse=True)
    parts, read = list[Beats](), 0
    for block in blocks:
        here = wanted[(wanted >= read) & (wanted < read + len(block))]
        parts.append(block.take(here - read))
        read += len(block)
        if not len(wanted) or read > wanted[-1]:
            break
    beats = concatenate(parts)
    if len(beats) != len(wanted):
        raise HeartbeatError(f"The split has {read:,} beats; it has no row {wanted[-1]:,}.")
    return beats.take(position)
