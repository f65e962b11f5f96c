"""Which kind of split the two files are, and which rows of the train file are held out for validation.

A choice depends on contents and the seed only: not on the order of rows, on shards or on the number of workers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from components.beats.kaggle import TEST_SHA256 as KAGGLE_TEST_SHA256
from components.io.files import InputFile
from components.io.text import is_compressed, read_text

DataSplit = Literal["kaggle", "patient", "unknown"]
"""kaggle: the public test file, which shares patients with its train file; patient: no record is on both sides."""

DATA_SPLITS: Final[tuple[DataSplit, ...]] = get_args(DataSplit)

KAGGLE_TEST_BYTES: Final = 102_892_400
"""Length of Kaggle's mitbih_test.csv: files of another length need not be hashed."""


def is_kaggle_test(file: InputFile) -> bool:
    """Whether a file, decompressed where it is a .gz, is Kaggle's test file to the byte.

    Raises:
        DataRefused: the file cannot be read.
    """
    if not is_compressed(file.path) and file.size != KAGGLE_TEST_BYTES:
        return False
    digest, length = hashlib.sha256(), 0
    for chunk in read_text(file.path, 0, file.size):
        digest.update(chunk)
        length += len(chunk)
        if length > KAGGLE_TEST_BYTES:
            return False
    return digest.hexdigest() == KAGGLE_TEST_SHA256


def held_out_records(rows_of: Mapping[str, int], share: float, seed: int) -> frozenset[str]:
    """Chooses whole records for validation, in the order of a seeded hash, until their rows reach the share.

    Args:
        rows_of: rows of every record of the train file.
        share: wanted share of all rows, 0..1.
        seed: another one gives another order.

    Returns:
        The records; never all of them, so none where there is only one.
    """
    order = sorted(rows_of, key=lambda record: (_hash(record.encode(), seed), record))
    wanted, reached, chosen = share * sum(rows_of.values()), 0, set()
    for record in order[:-1]:
        if reached >= wanted:
            break
        chosen.add(record)
        reached += rows_of[record]
    return frozenset(chosen)


def held_out_rows(signal: npt.NDArray[np.float32], share: float, seed: int) -> npt.NDArray[np.bool_]:
    """Chooses rows for validation by a seeded hash of their samples, so equal beats are on the same side.

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
    return np.array([_hash(rows[at : at + length], seed) < limit for at in range(0, len(rows), length)], bool)


def _hash(content: bytes | memoryview, seed: int) -> int:
    digest = hashlib.blake2b(content, digest_size=8, key=seed.to_bytes(8, "little")).digest()
    return int.from_bytes(digest, "little")
