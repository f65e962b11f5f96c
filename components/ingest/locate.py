"""Find the train and the test file in a data folder."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from components.beats.kaggle import TEST_FILE, TEST_PARQUET, TRAIN_FILE, TRAIN_PARQUET, VARIANTS_PARQUET
from components.beats.synthetic import MARKER
from components.errors import DataRefused, UsageError, refused_together
from components.io.parquet import parquet_table
from components.io.sources import Kind, Source, input_files, training_source
from components.io.storage import InputFile, is_remote, list_files, local_path

HOW_TO_GET: Final = (
    "Get both files from https://www.kaggle.com/datasets/shayanfazeli/heartbeat, or make them from the MIT-BIH records "
    "with `heartbeat prepare`."
)


SIMILAR: Final = re.compile(
    r"(?i)(?!(?-i:mitbih_(train|test)\.csv(\.gz)?)$)(?!.*_provenance\.csv)(?!\.).*(train|test).*\.csv.*"
)
"""Names that may be those of missing files, such as `mitbih_train (1).csv`."""

REMEDIES: Final = (
    (re.compile(r"(?i).*\.(zip|7z|rar|bz2|xz|zst|lz4|tar|tgz|tar\.gz)"), "unpack it"),
    (re.compile(r"(?i).*\.(crdownload|opdownload|download|part|partial|filepart|aria2)"), "download it again"),
    (re.compile(r".*", re.DOTALL), "rename what is meant"),
)
"""Ending of a similar name (the first match counts) -> what to do about the file."""

NAMED: Final = 4
"""How many names of a folder a sentence lists where the missing file may be called anything."""

DESCRIPTION_FILE: Final = "prepare.json"
"""What `heartbeat prepare` leaves beside its files: how they were made."""


@dataclass(frozen=True)
class TrainTest:
    """The files of a data folder.

    Attributes:
        train: the train file with its provenance; one per folder where the data path is a glob.
        test: the test file, likewise.
        variants: rows made from those of the train file, to train on besides; none in most folders.
        markers: the file that says that the beats are simulated, where there is one.
        strays: names of what else is in a local folder, and is left alone.
    """

    train: tuple[Source, ...]
    test: tuple[Source, ...]
    markers: tuple[InputFile, ...]
    strays: tuple[str, ...] = ()
    variants: tuple[Source, ...] = ()

    @property
    def synthetic(self) -> bool:
        """Whether the beats are simulated: the demo set says so in a file beside its own."""
        return bool(self.markers)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The files of both sides."""
        return (*self.train, *self.test)

    @property
    def files(self) -> tuple[InputFile, ...]:
        """Every file the result of ingest depends on."""
        sources = (*self.sources, *self.variants)
        provenance = (source.provenance for source in sources if source.provenance is not None)
        return (*(source.file for source in sources), *provenance, *self.markers)


def find_inputs(data_dir: str) -> TrainTest:
    """Find `mitbih_train.csv` and `mitbih_test.csv`, plain or .gz, with their provenance, or their Parquet form.

    That is `train.parquet` and `test.parquet`, which hold their own.

    Args:
        data_dir: local folder, URI of one, or a glob of several.

    Raises:
        UsageError: the path is empty or a file's, or no storage has the URI's scheme.
        DataRefused: a file is missing, there in two forms, without rows, or no file of beats with labels.
        EnvironmentRefused: the URI's store cannot be reached.
    """
    if not data_dir.strip():
        raise UsageError(f"The data path is empty: name the folder that holds {TRAIN_FILE} and {TEST_FILE}.")
    if not is_remote(data_dir) and os.path.isfile(local_path(data_dir)):
        raise UsageError(f"{data_dir} is a file: give its folder.")
    folder = data_dir.rstrip("/") or "/"
    is_local_folder = not is_remote(folder) and os.path.isdir(local_path(folder))
    names = os.listdir(local_path(data_dir)) if is_local_folder else []
    kind, sides = _find_form(data_dir, folder)
    if missing := [name for name, files in sides.items() if not files]:
        packed = " (or .csv.gz)" if kind == "csv" else ""
        others = _others(folder, names, missing)
        raise DataRefused(f"{data_dir} has no {' and no '.join(missing)}{packed}. {others}{HOW_TO_GET}")
    train, test = sides.values()
    sources = refused_together(lambda file: training_source(file, kind), [*train, *test])
    variants = input_files(f"{folder}/{VARIANTS_PARQUET}") if kind == "parquet" else []
    found = TrainTest(
        tuple(sources[: len(train)]),
        tuple(sources[len(train) :]),
        tuple(list_files(f"{folder}/{MARKER}")),
        variants=tuple(training_source(file, kind) for file in variants),
    )
    tables = [source.file for source in found.sources if source.kind == "parquet"]
    if empty := [file.path for file in tables if not any(parquet_table(file).group_rows)]:
        raise DataRefused(f"There are no rows in {', '.join(empty)}.")
    used = {os.path.relpath(file.path, local_path(data_dir)).split("/")[0] for file in found.files} if names else set()
    return replace(found, strays=tuple(sorted({*names} - used - {DESCRIPTION_FILE})))


def _others(folder: str, names: Sequence[str], missing: Sequence[str]) -> str:
    """Say what a local folder has instead of the missing files, and what to do about it."""
    wanted = [*missing, *(f"{name}.gz" for name in missing)]
    by_remedy: dict[str, list[str]] = {}
    for name in sorted(names):
        path = os.path.join(local_path(folder), name)
        if name in wanted and not os.path.exists(path):
            by_remedy.setdefault("it is a link to nothing", []).append(name)
        elif inside := [each for each in wanted if os.path.exists(os.path.join(path, each))]:
            by_remedy.setdefault("name that folder", []).extend(f"{name}/{each}" for each in inside)
        elif SIMILAR.fullmatch(name):
            remedy = next(remedy for ending, remedy in REMEDIES if ending.fullmatch(name))
            by_remedy.setdefault(remedy, []).append(name)
    if by_remedy:
        return "".join(f"It has {', '.join(map(repr, found))}: {remedy}. " for remedy, found in by_remedy.items())
    others = sorted(name for name in names if not name.startswith("."))
    more = f" and {len(others) - NAMED:,} more" if len(others) > NAMED else ""
    return f"It has {', '.join(map(repr, others[:NAMED]))}{more}. " if others else ""


def _find_form(data_dir: str, folder: str) -> tuple[Kind, dict[str, list[InputFile]]]:
    """Return the form in which a folder holds its beats, CSV where there are none, and name -> files of each side.

    Raises:
        DataRefused: the folder holds beats in both forms, or a file plain and as .gz.
    """
    text = {name: _find(folder, name) for name in (TRAIN_FILE, TEST_FILE)}
    tables = {name: input_files(f"{folder}/{name}") for name in (TRAIN_PARQUET, TEST_PARQUET)}
    if not any(tables.values()):
        return "csv", text
    if any(text.values()):
        both = ", ".join(name for name, files in (text | tables).items() if files)
        raise DataRefused(f"{data_dir} holds beats in two forms, {both}: keep one, CSV or Parquet.")
    return "parquet", tables


def _find(folder: str, name: str) -> list[InputFile]:
    """Find a file of beats, plain or .gz; Spark and others write a folder of this name, with the rows in parts."""
    plain, packed = input_files(f"{folder}/{name}"), input_files(f"{folder}/{name}.gz")
    doubled = {file.path + ".gz" for file in plain} & {file.path for file in packed}
    if doubled:
        raise DataRefused(f"{min(doubled)} is there and so is its plain form: remove one of the two.")
    return sorted((*plain, *packed), key=lambda file: file.path)
