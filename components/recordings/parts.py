"""What each record gives to each file: a part in the scratch folder. The parts are joined to CSVs or to Parquet."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt

from components.beats.context import CONTEXT_FORM
from components.beats.cut import CutBeats
from components.beats.kaggle import (
    TEST_FILE,
    TEST_PARQUET,
    TEST_PROVENANCE,
    TRAIN_FILE,
    TRAIN_PARQUET,
    TRAIN_PROVENANCE,
    VARIANTS_PARQUET,
)
from components.io.csv_numbers import kaggle_text
from components.io.parquet_layout import RECORD, SAMPLE
from components.io.parquet_writer import beat_schema, beat_table, parquet_beats
from components.io.provenance import provenance_header, provenance_text
from components.io.storage import sha256_of
from components.recordings.splits import kaggle_rows

if TYPE_CHECKING:
    import pyarrow as pa

Form = Literal["csv", "parquet"]
"""Form of the files: CSVs in Kaggle's format with provenance beside them, or Parquet, which has it in columns."""

FILES: Final[Mapping[Form, Mapping[str, tuple[str, ...]]]] = {
    "csv": {
        "train": (TRAIN_FILE, TRAIN_PROVENANCE),
        "test": (TEST_FILE, TEST_PROVENANCE),
        "beats": ("beats.csv", "beats_provenance.csv"),
    },
    "parquet": {
        "train": (TRAIN_PARQUET,),
        "test": (TEST_PARQUET,),
        "beats": ("beats.parquet",),
        "variants": (VARIANTS_PARQUET,),
    },
}
"""Form -> side -> its files: that of the beats first. `beats` is the one side where nothing is split, `variants` holds
rows made from those of `train`, or of `beats`."""

COPY_BYTES = 1 << 22
"""Bytes, or rows' worth of them, copied at once."""

WritePart = Callable[[CutBeats], None]
"""Appends beats of a record to a part."""


@dataclass(frozen=True)
class Origin:
    """Where the beats of a part come from."""

    record: str  # its name in the files
    lead: str  # name of the lead
    archive: str  # name of the archive's folder


def part_files(part: Path, side: str) -> tuple[Path, Path]:
    """Return the files of rows and of provenance that a record's part has for one side; of Parquet, only the first."""
    return part.with_name(f"{part.name}.{side}.rows"), part.with_name(f"{part.name}.{side}.provenance")


@contextmanager
def open_part(form: Form, part: Path, side: str, origin: Origin, *, labelled: bool) -> Iterator[WritePart]:
    """Write what a record gives to one side."""
    rows, provenance = part_files(part, side)
    if form == "parquet":
        import pyarrow as pa

        with pa.OSFile(str(rows), "wb") as file, pa.ipc.new_stream(file, _schema(labelled=labelled)) as stream:

            def write_table(beats: CutBeats) -> None:
                columns = {"signal": beats.signal, "sample": beats.sample, "symbol": beats.symbol, **vars(origin)}
                columns |= {"label": beats.label, "context": beats.context}
                stream.write_table(beat_table(_schema(labelled=labelled), columns))

            yield write_table
        return
    with rows.open("wb") as text, provenance.open("wb") as origins:

        def write_text(beats: CutBeats) -> None:
            labels: list[int] | list[str] = beats.label.tolist() if labelled else [""] * len(beats)
            records, samples, symbols = [origin.record] * len(beats), beats.sample.tolist(), beats.symbol.tolist()
            text.write(kaggle_text(beats.signal, beats.label if labelled else None).reshape(-1).data)
            origins.write(provenance_text(records, samples, symbols, labels))

        yield write_text


def join_parts(form: Form, parts: Sequence[Path], side: str, folder: Path, *, labelled: bool) -> str:
    """Join the parts of one side, in order, to its files in a folder; return the SHA-256 of that of the beats.

    Each part is removed once it is copied.
    """
    rows, *provenance = (folder / name for name in FILES[form][side])
    if form == "csv":
        return _join_text(parts, side, rows, *provenance)
    with parquet_beats(rows, _schema(labelled=labelled)) as write:
        for table in _part_tables(parts, side):
            write(table)
    return _sha256(rows)


def join_in_kaggle_order(form: Form, parts: Sequence[Path], side: str, folder: Path) -> str:
    """Join parts with labels as `join_parts` does, but with the rows in the order of Kaggle's test file.

    Of Parquet all rows are held at once: Kaggle's test file has 16 MB of samples.
    """
    rows, *provenance = (folder / name for name in FILES[form][side])
    if form == "csv":
        return _join_text_in_kaggle_order(parts, side, rows, *provenance)
    import pyarrow as pa

    table = pa.concat_tables([_schema(labelled=True).empty_table(), *_part_tables(parts, side)])
    keys = zip(table.column(RECORD).to_pylist(), table.column(SAMPLE).to_pylist(), strict=True)
    order = kaggle_order({key: row for row, key in enumerate(keys)})
    with parquet_beats(rows, _schema(labelled=True)) as write:
        write(table.take(pa.array(order)))
    return _sha256(rows)


def _schema(*, labelled: bool) -> pa.Schema:
    """Return the columns of a Parquet file, its beats' context among them."""
    return beat_schema(labelled=labelled, context=CONTEXT_FORM)


def kaggle_order(row_of: Mapping[tuple[str, int], int]) -> npt.NDArray[np.int64]:
    """Return int64[n], the row of each beat of Kaggle's test file that is there, by its record and sample."""
    listed = kaggle_rows()
    keys = zip((listed.names[index] for index in listed.record.tolist()), listed.sample.tolist(), strict=True)
    return np.array([row_of[key] for key in keys if key in row_of], np.int64)


def _part_tables(parts: Sequence[Path], side: str) -> Iterator[pa.Table]:
    """Yield the beats of parts, block by block; remove each part when it is read."""
    import pyarrow as pa

    for part in parts:
        path, _ = part_files(part, side)
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as stream:
            for batch in stream:
                yield pa.Table.from_batches([batch])
        path.unlink()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return sha256_of(file)


def _join_text(parts: Sequence[Path], side: str, rows: Path, provenance: Path) -> str:
    """Join the parts of one side to a CSV and its provenance; return the SHA-256 of the CSV."""
    digest = hashlib.sha256()
    with rows.open("wb") as all_rows, provenance.open("wb") as all_provenance:
        all_provenance.write(provenance_header())
        for part in parts:
            text, origin = part_files(part, side)
            with text.open("rb") as file:
                while block := file.read(COPY_BYTES):
                    all_rows.write(block)
                    digest.update(block)
            with origin.open("rb") as file:
                shutil.copyfileobj(file, all_provenance)
            text.unlink()
            origin.unlink()
    return digest.hexdigest()


def _join_text_in_kaggle_order(parts: Sequence[Path], side: str, rows: Path, provenance: Path) -> str:
    """Join the parts of one side as `_join_text` does, but with the rows in the order of Kaggle's test file."""
    joined, origins = rows.with_suffix(".records"), provenance.with_suffix(".records")
    _join_text(parts, side, joined, origins)
    lines = origins.read_bytes().splitlines(keepends=True)[1:]
    row_of = {}
    for row, line in enumerate(lines):
        record, sample, _ = line.decode().split(",", 2)
        row_of[record, int(sample)] = row
    order = kaggle_order(row_of)
    width = joined.stat().st_size // len(lines)
    text = np.memmap(joined, np.uint8, "r", shape=(len(lines), width))
    digest = hashlib.sha256()
    with rows.open("wb") as file:
        for start in range(0, len(order), COPY_BYTES // width):
            block = text[order[start : start + COPY_BYTES // width]].reshape(-1).data
            file.write(block)
            digest.update(block)
    provenance.write_bytes(provenance_header() + b"".join(lines[i] for i in order.tolist()))
    del text
    joined.unlink()
    origins.unlink()
    return digest.hexdigest()
