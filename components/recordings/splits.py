"""Which beats go into the training file and which into the test file, and the rows of Kaggle's test file."""

from __future__ import annotations

import hashlib
import lzma
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from components.beat import RECORD_RATE_HZ
from components.errors import DataRefused, UsageError
from components.recordings.header import read_header
from components.verdict import SAME_PATIENTS

MITDB: Final = tuple(
    str(number)
    for number in (
        100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 111, 112, 113, 114, 115, 116, 117, 118, 119, 121,
        122, 123, 124, 200, 201, 202, 203, 205, 207, 208, 209, 210, 212, 213, 214, 215, 217, 219, 220, 221,
        222, 223, 228, 230, 231, 232, 233, 234
    )
)  # fmt: skip
"""The records of the MIT-BIH Arrhythmia Database 1.0.0."""

MITDB_SIG_LEN: Final = 650_000
"""Samples of each of them."""

SAME_PERSON: Final = {"202": "201"}
"""Record -> another record of MIT-BIH that was taken from the same person."""

DS1: Final = tuple(
    str(number)
    for number in (
        101, 106, 108, 109, 112, 114, 115, 116, 118, 119, 122, 124, 201, 203, 205, 207, 208, 209, 215, 220,
        223, 230
    )
)  # fmt: skip
DS2: Final = tuple(
    str(number)
    for number in (
        100, 103, 105, 111, 113, 117, 121, 123, 200, 202, 210, 212, 213, 214, 219, 221, 222, 228, 231, 232,
        233, 234
    )
)  # fmt: skip
"""The inter-patient split of de Chazal, O'Dwyer and Reilly (IEEE Trans Biomed Eng 51:1196, 2004): train, test."""

PACED: Final = ("102", "104", "107", "217")
"""Records of patients with a pacemaker, which AAMI EC57 leaves out."""

DIGEST_BYTES = 8
POSITION_BYTES = 3


def is_mitdb(folder: Path, records: Iterable[str]) -> bool:
    """Return whether a folder's records are those of the MIT-BIH Arrhythmia Database, all or some of them."""
    if not set(records) <= set(MITDB):
        return False
    headers = []
    for record in records:
        with suppress(DataRefused):
            headers.append(read_header(folder / record))
    return all(header.fs == RECORD_RATE_HZ and header.sig_len == MITDB_SIG_LEN for header in headers)


@dataclass(frozen=True)
class KaggleRows:
    """The test rows in file order."""

    names: tuple[str, ...]  # the records that they come from
    record: npt.NDArray[np.int64]  # int64[n], index into `names`
    sample: npt.NDArray[np.int64]  # int64[n], position of the annotation, samples at 360 Hz
    # record name -> first 8 bytes of the SHA-256 of the text of its rows, ordered by position
    digests: Mapping[str, bytes]

    def samples_of(self, record: str) -> npt.NDArray[np.int64]:
        """Return int64[m], positions of a record's test rows, rising; none for a record that is not in the list."""
        if record not in self.names:
            return np.zeros(0, np.int64)
        return np.sort(self.sample[self.record == self.names.index(record)])


@lru_cache(maxsize=1)
def kaggle_rows() -> KaggleRows:
    """Read the packaged list; kaggle_test_rows.txt says where it comes from and whom to cite."""
    return expand(files(__package__).joinpath("kaggle_test_rows.xz").read_bytes())


def expand(packed: bytes) -> KaggleRows:
    """Expand the packaged list.

    Expanded it is one line of record names, 8 bytes a record (the start of the SHA-256 of the text of its rows in
    Kaggle's file, ordered by position), then one byte a row (index of its record) and three times one byte a row
    (position in samples, low bytes of all rows first).
    """
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


class Split(Protocol):
    """A rule that parts the beats of an archive."""

    @property
    def records(self) -> tuple[str, ...]:
        """Return the records to prepare, in the order of the files."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """Return notes for the users of the files."""

    def in_test(self, record: str, samples: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return bool[n]: which of a record's beats, by position, belong to the test file."""


@dataclass(frozen=True)
class KaggleSplit:
    """Kaggle's own test rows; all other beats are for training."""

    records: tuple[str, ...]
    sentences: tuple[str, ...] = (
        SAME_PATIENTS["kaggle"].sentence,
        "The training file holds the other beats record by record, in order of time; Kaggle's own order is not known.",
    )

    def in_test(self, record: str, samples: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return bool[n]: whether Kaggle's test file has a row that was cut here."""
        return np.isin(samples, kaggle_rows().samples_of(record))


@dataclass(frozen=True)
class RecordSplit:
    """Whole records to either side."""

    records: tuple[str, ...]
    test: frozenset[str]
    sentences: tuple[str, ...]

    def in_test(self, record: str, samples: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return bool[n]: all of them or none."""
        return np.full(len(samples), record in self.test)


def choose_split(name: str | None, records: tuple[str, ...], exclude: tuple[str, ...], seed: int, mitdb: bool) -> Split:
    """Return the split of a name: kaggle, patient or record:FRACTION; None is kaggle for MIT-BIH.

    Args:
        name: of the split.
        records: of the archive.
        exclude: records to leave out.
        seed: of record:FRACTION.
        mitdb: whether the archive is MIT-BIH.

    Raises:
        UsageError: the split does not fit the archive, or its name is not known.
    """
    kept = tuple(record for record in records if record not in exclude)
    if name is None and not mitdb:
        raise UsageError(
            "These are not the records of MIT-BIH: say how to split them, for instance --split record:0.2, "
            "or --split none for one file."
        )
    if name in ("kaggle", "patient", None) and not mitdb:
        raise UsageError(f"--split {name} is for the records of MIT-BIH; for others use none or record:FRACTION.")
    if name in ("kaggle", None):
        return KaggleSplit(tuple(record for record in MITDB if record not in exclude))
    if name == "patient":
        return patient_split(exclude)
    match = re.fullmatch(r"record:(0?\.\d+)", name or "")
    if not match or not 0 < float(match[1]) < 1:
        raise UsageError(
            f"--split {name} is not known: use kaggle, patient, none, or record:FRACTION with 0 < FRACTION < 1."
        )
    return record_split(kept, float(match[1]), seed, SAME_PERSON if mitdb else {})


def patient_split(exclude: tuple[str, ...]) -> RecordSplit:
    """Put DS1 into the training file and DS2 into the test file, paced records out."""
    sides = tuple(tuple(record for record in side if record not in exclude) for side in (DS1, DS2))
    sentences = [
        "Split patient: de Chazal's DS1 (train) and DS2 (test), classes of AAMI EC57; "
        f"the paced records {', '.join(PACED)} are left out.",
    ]
    for one, other in SAME_PERSON.items():
        if any(one in side for side in sides) and any(other in side for side in sides):
            sentences.append(
                f"Records {other} and {one} are one person, and DS1 / DS2 put them on different sides; "
                f"`--exclude {other}` (or {one}) leaves one of them out."
            )
    return RecordSplit(tuple(sorted(sides[0] + sides[1])), frozenset(sides[1]), tuple(sentences))


def record_split(records: tuple[str, ...], fraction: float, seed: int, same_person: dict[str, str]) -> RecordSplit:
    """Draw a share of the records by the seed and their names for testing; never one record on both sides.

    Raises:
        UsageError: there are too few records to have some on both sides.
    """
    persons: dict[str, list[str]] = {}
    for record in records:
        persons.setdefault(same_person.get(record, record), []).append(record)
    drawn = sorted(persons, key=lambda person: hashlib.sha256(f"{seed} {person}".encode()).digest())
    count = max(1, round(fraction * len(drawn)))
    if len(drawn) < 2 or count == len(drawn):
        raise UsageError(f"{len(drawn)} record(s) cannot be split {fraction:g} to {1 - fraction:g} by record.")
    test = frozenset(record for person in drawn[:count] for record in persons[person])
    sentence = f"Split record:{fraction:g}, seed {seed}: {len(test)} of {len(records)} records are in the test file."
    return RecordSplit(records, test, (sentence,))
