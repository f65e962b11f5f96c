"""Which beats go into the training file and which into the test file, and the rows of Kaggle's test file."""

from __future__ import annotations

import hashlib
import lzma
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from components.beat import RECORD_RATE_HZ
from components.errors import DataRefused, UsageError, counted
from components.recordings.header import read_header
from components.verdict import SAME_PATIENTS

DS1: Final = tuple(map(str, (
    101, 106, 108, 109, 112, 114, 115, 116, 118, 119, 122, 124, 201, 203, 205, 207, 208, 209, 215, 220, 223, 230
)))  # fmt: skip
DS2: Final = tuple(map(str, (
    100, 103, 105, 111, 113, 117, 121, 123, 200, 202, 210, 212, 213, 214, 219, 221, 222, 228, 231, 232, 233, 234
)))  # fmt: skip
"""The inter-patient split of de Chazal, O'Dwyer and Reilly (IEEE Trans Biomed Eng 51:1196, 2004): train, test."""

PACED: Final = ("102", "104", "107", "217")
"""Records of patients with a pacemaker, which AAMI EC57 leaves out."""

MITDB: Final = tuple(sorted(DS1 + DS2 + PACED))
"""The records of the MIT-BIH Arrhythmia Database 1.0.0."""

MITDB_SIG_LEN: Final = 650_000
"""Samples in each of them."""

SAME_PERSON: Final = {"202": "201"}
"""Record -> another record of MIT-BIH that was taken from the same person."""

KAGGLE_ORDER: Final = (
    "The training file holds the other beats record by record, in order of time; Kaggle's own order is not known."
)

DIGEST_BYTES = 8
POSITION_BYTES = 3


@dataclass(frozen=True)
class Archive:
    """A folder of records."""

    folder: Path
    records: tuple[str, ...]  # their names in the folder
    mitdb: bool = False  # whether they are of the MIT-BIH Arrhythmia Database
    prefix: str = ""  # prefix of their names in the files: `svdb/` if there are several archives
    exclude: tuple[str, ...] = ()  # records to leave out, named as in the folder or as in the files

    @property
    def name(self) -> str:
        """Return the name of its folder."""
        return self.folder.resolve().name

    def named(self, record: str) -> str:
        """Return a record's name in the files that are made."""
        return f"{self.prefix}{record}"

    def person(self, record: str) -> str:
        """Return the record that identifies a record's person: another one of the same person, or itself."""
        return SAME_PERSON.get(record, record) if self.mitdb else record

    def kept(self, records: Iterable[str] | None = None) -> tuple[str, ...]:
        """Return those of its records, or of others, that are not left out."""
        chosen = self.records if records is None else records
        return tuple(each for each in chosen if not {each, self.named(each)} & {*self.exclude})


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


@dataclass(frozen=True)
class Split:
    """Which records are prepared, and which of their beats are for testing."""

    kind: Literal["none", "kaggle", "record"]  # one file of all beats; Kaggle's own test rows; whole records
    records: tuple[str, ...]  # in the order of the files
    test: frozenset[str] = frozenset()  # those for testing, if whole records are
    sentences: tuple[str, ...] = ()  # notes for the users of the files

    @property
    def sides(self) -> tuple[str, ...]:
        """Return the sides that a record has rows for."""
        return ("beats",) if self.kind == "none" else ("train", "test")

    def masks(self, record: str, samples: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[np.bool_]]:
        """Return side -> which of a record's beats, by position, go to it, bool[n]."""
        if self.kind == "none":
            return {"beats": np.ones(len(samples), bool)}
        if self.kind == "kaggle":
            in_test = np.isin(samples, kaggle_rows().samples_of(record))
        else:
            in_test = np.full(len(samples), record in self.test)
        return {"train": ~in_test, "test": in_test}


def choose_split(name: str | None, archives: Sequence[Archive], seed: int) -> Split:
    """Return the split with a name.

    Args:
        name: none, kaggle, patient, patient:fold=K/N or record:FRACTION; None is kaggle for MIT-BIH.
        archives: to take the records of.
        seed: of record:FRACTION.

    Raises:
        UsageError: the split does not fit the archives, or its name is not known.
    """
    if name == "none":
        return Split("none", _kept(archives))
    mitdb = next((archive for archive in archives if archive.mitdb), None)
    if name is None and (mitdb is None or len(archives) > 1):
        what = "Several archives have no standard split" if mitdb else "These are not the records of MIT-BIH"
        raise UsageError(
            f"{what}: say how to split them, for instance --split record:0.2, or --split none for one file."
        )
    if name in ("kaggle", "patient") and mitdb is None:
        raise UsageError(
            f"--split {name} is for the records of MIT-BIH; for others use none, record:FRACTION or patient:fold=K/N."
        )
    if name in ("kaggle", None):
        if len(archives) > 1 or mitdb is None:
            raise UsageError("--split kaggle is for MIT-BIH alone, whose rows Kaggle's files hold: name one --wfdb.")
        return Split("kaggle", mitdb.kept(MITDB), sentences=(SAME_PATIENTS["kaggle"].sentence, KAGGLE_ORDER))
    if name == "patient":
        return patient_split(archives)
    if fold := re.fullmatch(r"patient:fold=(\d+)/(\d+)", name or ""):
        return fold_split(archives, int(fold[1]), int(fold[2]))
    match = re.fullmatch(r"record:(0?\.\d+)", name or "")
    if not match or not 0 < float(match[1]) < 1:
        raise UsageError(
            f"--split {name} is not known: use kaggle, patient, patient:fold=K/N, none, or record:FRACTION with "
            "0 < FRACTION < 1."
        )
    return record_split(archives, float(match[1]), seed)


def patient_split(archives: Sequence[Archive]) -> Split:
    """Put DS1 and all other archives' records into the training file, DS2 into the test file, paced records nowhere."""
    trained, tested, sentences = [], [], []
    for archive in archives:
        if not archive.mitdb:
            trained += [archive.named(record) for record in archive.kept()]
            continue
        sides = tuple(archive.kept(side) for side in (DS1, DS2))
        trained += [archive.named(record) for record in sides[0]]
        tested += [archive.named(record) for record in sides[1]]
        sentences.append(
            "Split patient: de Chazal's DS1 (train) and DS2 (test), classes of AAMI EC57; "
            f"the paced records {', '.join(PACED)} are left out."
        )
        for one, other in SAME_PERSON.items():
            if any(one in side for side in sides) and any(other in side for side in sides):
                sentences.append(
                    f"Records {other} and {one} are one person, and DS1 / DS2 put them on different sides; "
                    f"`--exclude {other}` (or {one}) leaves one of them out."
                )
    if len(archives) > 1:
        sentences.append("Records of other archives than MIT-BIH are all for training.")
    return Split("record", tuple(sorted(trained + tested)), frozenset(tested), tuple(sentences))


def fold_split(archives: Sequence[Archive], fold: int, folds: int) -> Split:
    """Put one of several parts of the people into the test file, the others into the training file.

    From MIT-BIH only DS1 takes part: DS2 stays unseen for a model tuned on such folds. Each archive's
    people are assigned to the folds in turn, ordered by a hash of their names, so the folds are about equally large.

    Raises:
        UsageError: there is no such fold, or there are too few people.
    """
    if not (folds >= 2 and 1 <= fold <= folds):
        raise UsageError(f"--split patient:fold={fold}/{folds}: K goes from 1 to N in fold=K/N, and N is 2 or more.")
    records, test, dealt = [], set(), 0
    for archive in archives:
        drawn = archive.kept(DS1 if archive.mitdb else None)
        records += [archive.named(record) for record in drawn]
        people = sorted({archive.person(record) for record in drawn}, key=_digest)
        chosen = {person for turn, person in enumerate(people, dealt) if turn % folds == fold - 1}
        test |= {archive.named(record) for record in drawn if archive.person(record) in chosen}
        dealt += len(people)
    if dealt < folds:
        raise UsageError(f"{dealt} people cannot be dealt to {folds} folds.")
    sentence = (
        f"Split patient, fold {fold} of {folds}: {len(test)} of {counted(len(records), 'record')} are in the test file."
    )
    if any(archive.mitdb for archive in archives):
        sentence += " Of MIT-BIH only de Chazal's DS1 takes part; his DS2 and the paced records are left out."
    return Split("record", tuple(records), frozenset(test), (sentence,))


def record_split(archives: Sequence[Archive], fraction: float, seed: int) -> Split:
    """Draw a share of the records by the seed and their names for testing; never one person on both sides.

    Raises:
        UsageError: there are too few records to have some on both sides.
    """
    people: dict[str, list[str]] = {}
    for archive in archives:
        for record in archive.kept():
            people.setdefault(archive.named(archive.person(record)), []).append(archive.named(record))
    drawn = sorted(people, key=lambda person: _digest(f"{seed} {person}"))
    count = max(1, round(fraction * len(drawn)))
    if len(drawn) < 2 or count == len(drawn):
        raise UsageError(f"{counted(len(drawn), 'record')} cannot be split {fraction:g} to {1 - fraction:g} by record.")
    records = _kept(archives)
    test = frozenset(record for person in drawn[:count] for record in people[person])
    sides = f"{len(test)} of {counted(len(records), 'record')} are in the test file."
    return Split("record", records, test, (f"Split record:{fraction:g}, seed {seed}: {sides}",))


def _kept(archives: Sequence[Archive]) -> tuple[str, ...]:
    return tuple(archive.named(record) for archive in archives for record in archive.kept())


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
