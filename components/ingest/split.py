"""Splits of the examples, and which of the train file's rows are held out for validation.

The choice depends on contents and the seed only: not on the order of rows, on shards or on the number of workers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

Side = Literal["train", "test"]
"""Which of the two files a row was in."""

SIDES: Final[tuple[Side, ...]] = get_args(Side)

Split = Literal["train", "eval", "test"]
"""A split of the examples; the first two are cut from the train file."""

SPLITS: Final[tuple[Split, ...]] = get_args(Split)

SplitKind = Literal["kaggle", "patient", "unknown"]
"""How the test file relates to the train file. kaggle: it is the public one, which shares patients with its train file;
patient: no record is on both sides."""


def held_out_records(rows_of: Mapping[str, int], share: float, seed: int) -> frozenset[str]:
    """Choose whole records for validation, in the order of a seeded hash, until their rows reach the share.

    Args:
        rows_of: rows of every record of the train file.
        share: share of all rows to reach, 0..1.
        seed: another one gives another order.

    Returns:
        The records; never all of them, so none where there is only one.
    """
    order = sorted(rows_of, key=lambda record: (_hash(record.encode(), seed), record))
    enough, reached, chosen = share * sum(rows_of.values()), 0, set()
    for record in order[:-1]:
        if reached >= enough:
            break
        chosen.add(record)
        reached += rows_of[record]
    return frozenset(chosen)


def held_out_rows(signal: npt.NDArray[np.float32], share: float, seed: int) -> npt.NDArray[np.bool_]:
    """Choose rows for validation by a seeded hash of their samples, so equal beats are on the same side.

    Args:
        signal: float32[n, 187], 0..1.
        share: expected share of rows, 0..1.
        seed: another one chooses other rows.

    Returns:
        bool[n], true for a row to hold out.
    """
    limit = int(share * 2**64)
    rows = memoryview(np.ascontiguousarray(signal, "<f4").tobytes())
    length = signal.shape[1] * 4
    starts = range(0, len(rows), length)
    return np.array([_hash(rows[start : start + length], seed) < limit for start in starts], bool)


def _hash(content: bytes | memoryview, seed: int) -> int:
    digest = hashlib.blake2b(content, digest_size=8, key=seed.to_bytes(8, "little")).digest()
    return int.from_bytes(digest, "little")
