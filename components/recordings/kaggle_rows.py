"""Which annotated beats Kaggle's test file consists of, in its order.

The list is packaged as `kaggle_test_rows.xz`: positions and record names, no samples. kaggle_test_rows.txt says where
it comes from and whom to cite. Unpacked it is one line of record names, 8 bytes a record (the start of the SHA-256 of
the text of its rows in Kaggle's file, ordered by position), then one byte a row (index of its record) and three times
one byte a row (position in samples, low bytes of all rows first).
"""

from __future__ import annotations

import hashlib
import lzma
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

DIGEST_BYTES = 8
POSITION_BYTES = 3


@dataclass(frozen=True)
class KaggleRows:
    """The test rows in file order.

    Attributes:
        names: the records that they come from.
        record: int64[n], index into `names`.
        sample: int64[n], position of the annotation, samples at 360 Hz.
        digests: record name -> first 8 bytes of the SHA-256 of the text of its rows, ordered by position.
    """

    names: tuple[str, ...]
    record: npt.NDArray[np.int64]
    sample: npt.NDArray[np.int64]
    digests: Mapping[str, bytes]

    def samples_of(self, record: str) -> npt.NDArray[np.int64]:
        """int64[m], positions of a record's test rows, rising; none for a record that is not in the list."""
        if record not in self.names:
            return np.zeros(0, np.int64)
        return np.sort(self.sample[self.record == self.names.index(record)])


@lru_cache(maxsize=1)
def kaggle_rows() -> KaggleRows:
    """Expand the packaged list."""
    return expand(files(__package__).joinpath("kaggle_test_rows.xz").read_bytes())


def row_digest(text: bytes) -> bytes:
    """Fingerprint of one record's rows, as `KaggleRows.digests` holds it."""
    return hashlib.sha256(text).digest()[:DIGEST_BYTES]


def condense(rows: KaggleRows) -> bytes:
    """The packaged form of a list; `expand` is its inverse."""
    planes = [(rows.sample >> (8 * plane)) & 255 for plane in range(POSITION_BYTES)]
    body = np.concatenate([rows.record, *planes]).astype(np.uint8).tobytes()
    head = " ".join(rows.names).encode() + b"\n" + b"".join(rows.digests[name] for name in rows.names)
    return lzma.compress(head + body, preset=9 | lzma.PRESET_EXTREME)


def expand(packed: bytes) -> KaggleRows:
    """Read the packaged form."""
    line, rest = lzma.decompress(packed).split(b"\n", 1)
    names = tuple(line.decode().split())
    digests, body = rest[: DIGEST_BYTES * len(names)], rest[DIGEST_BYTES * len(names) :]
    record, *planes = np.frombuffer(body, np.uint8).reshape(1 + POSITION_BYTES, -1).astype(np.int64)
    sample = sum((plane << (8 * i) for i, plane in enumerate(planes)), np.zeros_like(record))
    return KaggleRows(
        names,
        record,
        sample,
        {name: digests[DIGEST_BYTES * i : DIGEST_BYTES * (i + 1)] for i, name in enumerate(names)},
    )


def from_files(provenance: Sequence[tuple[str, int]], rows: Sequence[bytes]) -> KaggleRows:
    """Make the list from each row's (record, sample) and its line of Kaggle's file, both in file order."""
    names = tuple(sorted({record for record, _ in provenance}))
    record = np.array([names.index(name) for name, _ in provenance], np.int64)
    sample = np.array([position for _, position in provenance], np.int64)
    digests = {}
    for i, name in enumerate(names):
        mine = np.flatnonzero(record == i)
        digests[name] = row_digest(b"".join(rows[j] for j in mine[np.argsort(sample[mine])]))
    return KaggleRows(names, record, sample, digests)
