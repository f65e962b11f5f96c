"""Find the train and the test file in a data folder."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import Final

from components.beats.kaggle import TEST_FILE, TRAIN_FILE
from components.beats.synthetic import MARKER
from components.errors import DataRefused, UsageError
from components.io.sources import Source, csv_source, input_files
from components.io.storage import InputFile, is_remote, list_files, local_path

HOW_TO_GET: Final = (
    "Get both files from https://www.kaggle.com/datasets/shayanfazeli/heartbeat, or make them from the MIT-BIH records "
    "with `heartbeat prepare`."
)


SIMILAR: Final = re.compile(
    r"(?i)(?!mitbih_(train|test)\.csv(\.gz)?$)(?!.*_provenance\.csv)[^.].*(train|test).*\.csv.*"
)
"""Names that may be of the files that are missing, such as `mitbih_train (1).csv`."""

DESCRIPTION_FILE: Final = "prepare.json"
"""What `heartbeat prepare` leaves beside its CSVs: how they were made."""


@dataclass(frozen=True)
class TrainTest:
    """The files of a data folder.

    Attributes:
        train: the train file with its provenance; one per folder where the data path is a glob.
        test: the test file, likewise.
        markers: the file that says that the beats are simulated, where there is one.
        strays: names of what else is in a local folder, and is left alone.
    """

    train: tuple[Source, ...]
    test: tuple[Source, ...]
    markers: tuple[InputFile, ...]
    strays: tuple[str, ...] = ()

    @property
    def synthetic(self) -> bool:
        """Whether the beats are simulated: the demo set says so in a file beside the CSVs."""
        return bool(self.markers)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The files of both sides."""
        return (*self.train, *self.test)

    @property
    def files(self) -> tuple[InputFile, ...]:
        """Every file the result of ingest depends on."""
        provenance = (source.provenance for source in self.sources if source.provenance is not None)
        return (*(source.file for source in self.sources), *provenance, *self.markers)


def find_inputs(data_dir: str) -> TrainTest:
    """Find `mitbih_train.csv` and `mitbih_test.csv`, plain or .gz, and what provenance there is beside them.

    Args:
        data_dir: local folder, URI of one, or a glob of several.

    Raises:
        UsageError: the path is empty or a file's, or no storage has the URI's scheme.
        DataRefused: a file is missing, there plain and as .gz, or no CSV of beats.
        EnvironmentRefused: the URI's store cannot be reached.
    """
    if not data_dir.strip():
        raise UsageError(f"The data path is empty: name the folder that holds {TRAIN_FILE} and {TEST_FILE}.")
    if not is_remote(data_dir) and os.path.isfile(local_path(data_dir)):
        raise UsageError(f"{data_dir} is a file: give its folder.")
    folder = data_dir.rstrip("/") or "/"
    is_local_folder = not is_remote(folder) and os.path.isdir(local_path(folder))
    train, test = _find(folder, TRAIN_FILE), _find(folder, TEST_FILE)
    missing = [name for name, files in ((TRAIN_FILE, train), (TEST_FILE, test)) if not files]
    names = os.listdir(local_path(data_dir)) if is_local_folder else []
    if missing:
        similar = ", ".join(sorted(repr(name) for name in names if SIMILAR.fullmatch(name)))
        others = f"It has {similar}: rename what is meant. " if similar else ""
        raise DataRefused(f"{data_dir} has no {' and no '.join(missing)} (or .csv.gz). {others}{HOW_TO_GET}")
    sources: list[list[Source]] = []
    faults: list[str] = []
    for files in (train, test):
        sources.append([])
        for file in files:
            try:
                sources[-1].append(csv_source(file))
            except DataRefused as error:
                faults += error.sentences
    if faults:
        raise DataRefused(faults)
    found = TrainTest(tuple(sources[0]), tuple(sources[1]), tuple(list_files(f"{folder}/{MARKER}")))
    used = {os.path.relpath(file.path, local_path(data_dir)).split("/")[0] for file in found.files} if names else set()
    return replace(found, strays=tuple(sorted({*names} - used - {DESCRIPTION_FILE})))


def _find(folder: str, name: str) -> list[InputFile]:
    """Find a file of beats, plain or .gz; Spark and others write a folder of this name, with the rows in parts."""
    plain, packed = input_files(f"{folder}/{name}"), input_files(f"{folder}/{name}.gz")
    doubled = {file.path + ".gz" for file in plain} & {file.path for file in packed}
    if doubled:
        raise DataRefused(f"{min(doubled)} is there and so is its plain form: remove one of the two.")
    return sorted((*plain, *packed), key=lambda file: file.path)
