"""Recordings as inputs of a job: found by path, glob, folder or URI, described by their headers, opened in place.

From an object store only headers are fetched to plan a job, and all files of a recording to score it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from components.errors import DataRefused
from components.io.local_storage import files_below
from components.io.storage import (
    ABSENT,
    InputFile,
    ask_all,
    described,
    is_remote,
    list_files,
    local_path,
    read_range,
    storage_at,
)
from components.recordings.annotations import annotation_file
from components.recordings.edf_header import read_edf_file
from components.recordings.header import EDF, LIST, header_path, list_records, read_header, records_among
from components.recordings.lead import GAP, signal_file

TABLES: Final = re.compile(r"\.(csv|parquet|tfrecords?)(\.gz)?$", re.IGNORECASE)
"""Names of files of beats."""

EDF_HEADER_BYTES: Final = 256 << 10
"""Longest header of an EDF file that is fetched to plan a job: a thousand signals."""


@dataclass(frozen=True)
class Recording:
    """A recording that a job reads.

    Attributes:
        name: of the record, with the path from the given folder.
        file: its header, or its EDF file.
        others: its other files: headers of segments, signals, annotations.
        frames: from the header; 0 if missing or unreadable.
        fs: frames per second; 0 likewise.
    """

    name: str
    file: InputFile
    others: tuple[InputFile, ...]
    frames: int
    fs: float

    @property
    def seconds(self) -> float:
        """Return its duration according to its header."""
        return self.frames / self.fs if self.fs else 0.0


def find_recordings(pattern: str, annotator: str | None) -> list[Recording]:
    """List the recordings that a path, a glob, a folder or a URI matches; none if it is something else.

    Args:
        pattern: a header or any other file of a record, an EDF file, the record's name, a glob of these, or a folder.
        annotator: extension of the annotation files that belong to the recordings, None for none.

    Raises:
        DataRefused: a folder holds recordings and files of beats, or its RECORDS cannot be read.
        EnvironmentRefused: a folder or a header cannot be read.
    """
    if TABLES.search(pattern):
        return []
    if is_remote(pattern):
        return _find_remote(pattern.rstrip("/"), annotator)
    path = Path(local_path(pattern))
    if path.is_dir():
        if not _holds_recordings(path):
            return []
        folder, (names, missing) = path, list_records(path)
        if missing:
            raise DataRefused(f"{path / LIST} lists folders that are not there: {', '.join(missing[:5])}.")
    else:
        matches = [Path(file.path) for file in list_files(local_path(pattern))] or [path]
        folder, names = records_among([match for match in matches if not TABLES.search(match.name)])
    return ask_all(lambda name: _describe(folder / name, name, annotator), names)


def _holds_recordings(folder: Path) -> bool:
    """Return whether a folder holds recordings: by its own files, or else by those of the folders in it."""
    own = [os.path.basename(file.path) for file in list_files(f"{folder}/")]
    tables = [name for name in own if TABLES.search(name)]
    recordings = [name for name in own if name == LIST or name.lower().endswith((".hea", *EDF))]
    if tables and recordings:
        raise DataRefused(
            f"{folder} holds recordings ({recordings[0]}) and files of beats ({tables[0]}): name one of the two, "
            f"'{folder}/*.hea' or '{folder}/*{Path(tables[0]).suffix}'."
        )
    return bool(recordings) or (
        not tables and any(path.lower().endswith((".hea", *EDF)) for path in files_below(str(folder)))
    )


def _describe(stem: Path, name: str, annotator: str | None) -> Recording:
    """Describe a recording by its headers; errors in them are reported when it is scored, and affect no other."""
    is_edf = stem.suffix.lower() in EDF
    path = stem if is_edf else header_path(stem)
    others: dict[Path, None] = {}
    frames, fs = 0, 0.0
    with suppress(DataRefused):
        if is_edf:
            edf = read_edf_file(path)
            frames, fs = edf.records or 0, float(edf.frame_fs)
        else:
            header = read_header(stem, outline=True)
            parts = [stem.parent / name for name, _ in header.segments]
            parts = [part for part in parts if header_path(part).is_file()]
            others.update(dict.fromkeys(map(header_path, parts)))
            for part, of_part in [(stem, header), *((part, read_header(part, outline=True)) for part in parts)]:
                others.update(dict.fromkeys(signal_file(part, name) for name in of_part.files))
            frames, fs = header.sig_len or sum(length for _, length in header.segments), float(header.fs)
    others.pop(path, None)
    if annotator is not None:
        others[annotation_file(stem, annotator)] = None
    files = tuple(described(str(other)) for other in others if other.name != GAP)
    return Recording(name, described(str(path)), files, frames, fs)


def _find_remote(uri: str, annotator: str | None) -> list[Recording]:
    """Find recordings on a store, in a local copy of its file tree that has only the headers' contents."""
    top, rest = uri, ""
    names = {} if re.search(r"[*?[]", uri) else storage_at(uri).sizes()
    if not names:
        top = re.split(r"[*?[]", uri, maxsplit=1)[0].rpartition("/")[0]
        rest = uri.removeprefix(f"{top}/")
        names = storage_at(top).sizes()
    if not any(name.lower().endswith((".hea", *EDF)) for name in names):
        return []
    with TemporaryDirectory(prefix="headers-") as scratch:
        mirror = Path(scratch)
        for folder in {mirror / os.path.dirname(name) for name in names}:
            folder.mkdir(parents=True, exist_ok=True)
        ask_all(lambda name: _mirror(f"{top}/{name}", names[name], mirror / name), names)
        found = find_recordings(str(mirror / rest), annotator)

        def in_store(file: InputFile) -> InputFile:
            return described(f"{top}/{os.path.relpath(file.path, mirror)}")

        return ask_all(
            lambda each: replace(each, file=in_store(each.file), others=tuple(map(in_store, each.others))), found
        )


def _mirror(uri: str, size: int, target: Path) -> None:
    name, end = target.name.lower(), 0
    if name == LIST.lower() or name.endswith(".hea"):
        end = size
    elif name.endswith(EDF):
        end = min(size, EDF_HEADER_BYTES)
    target.write_bytes(read_range(uri, 0, end) if end else b"")


@contextmanager
def opened_recording(recording: Recording) -> Iterator[Path]:
    """Yield the path of a record as `open_lead` takes it; a store's files are copied temporarily.

    Raises:
        UsageError: no storage has the URI's scheme.
        EnvironmentRefused: the store is unreachable.
    """
    path = recording.file.path
    stem = path.removesuffix(".hea")
    if not is_remote(path):
        yield Path(stem)
        return
    folder = os.path.dirname(path)
    with TemporaryDirectory(prefix="recording-") as scratch:
        copies = Path(scratch, "files")  # a signal may lie one folder above its header
        for file in (recording.file, *recording.others):
            if file.version != ABSENT:
                storage_at(file.path).fetch("", copies / os.path.relpath(file.path, folder))
        yield copies / os.path.basename(stem)
