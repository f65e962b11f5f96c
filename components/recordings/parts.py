"""Each record's part of each output file, in the scratch folder. The parts are joined into CSVs or Parquet.

A part is a stream of Arrow tables: the columns of the Parquet file, or a CSV's lines and what its provenance says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from components.beat import SAMPLES
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
from components.io.csv_numbers import CELL, kaggle_text
from components.io.parquet_layout import LABEL, RECORD, SAMPLE, SIGNAL
from components.io.parquet_writer import SYMBOL, beat_schema, beat_table, parquet_beats
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
"""Form -> side -> its files: that of the beats first. `beats` is the only side without a split, `variants` holds
rows made from those of `train`, or of `beats`."""

LINE: Final = "line"
"""Column of the lines of a CSV."""


@contextmanager
def open_part(
    form: Form, part: Path, side: str, origin: Mapping[str, str], *, labelled: bool
) -> Iterator[Callable[[CutBeats], None]]:
    """Write a record's rows for one side; `origin` has its name in the files, its lead's and its archive's."""
    import pyarrow as pa

    schema = _schema(form, labelled=labelled)
    whole = schema if form == "parquet" else schema.append(pa.field(LINE, pa.binary(CELL * (SAMPLES + labelled))))
    with pa.OSFile(str(_part_file(part, side)), "wb") as file, pa.ipc.new_stream(file, whole) as stream:

        def write(beats: CutBeats) -> None:
            table = beat_table(schema, {**vars(beats), **origin})
            if form == "csv":
                text = kaggle_text(beats.signal, beats.label if labelled else None)
                lines = pa.Array.from_buffers(whole.field(LINE).type, len(text), [None, pa.py_buffer(text)])
                table = table.append_column(LINE, lines)
            stream.write_table(table)

        yield write


def join_parts(
    form: Form, parts: Sequence[Path], side: str, folder: Path, *, labelled: bool, as_kaggle: bool = False
) -> str:
    """Join the parts of one side, in order, to its files in a folder; return the SHA-256 of the file of beats.

    Each part is removed after copying. With `as_kaggle` the rows are in the order of Kaggle's test file, and all of
    them are held at once: it has 103 MB of text.
    """
    import pyarrow as pa

    rows, *provenance = (folder / name for name in FILES[form][side])
    tables: Iterable[pa.Table] = _part_tables(parts, side)
    if as_kaggle:
        table = pa.concat_tables(tables)
        tables = [table.take(_kaggle_order(table))]
    if form == "csv":
        _write_csv(tables, rows, *provenance)
    else:
        with parquet_beats(rows, _schema(form, labelled=labelled)) as write:
            for table in tables:
                write(table)
    with rows.open("rb") as file:
        return sha256_of(file)


def _schema(form: Form, *, labelled: bool) -> pa.Schema:
    """Return the columns of a Parquet file, its beats' context among them, or those that a CSV's provenance needs."""
    import pyarrow as pa

    if form == "parquet":
        return beat_schema(labelled=labelled, context=CONTEXT_FORM)
    return pa.schema([field for field in beat_schema(labelled=labelled) if field.name != SIGNAL])


def _part_file(part: Path, side: str) -> Path:
    return part.with_name(f"{part.name}.{side}")


def _part_tables(parts: Sequence[Path], side: str) -> Iterator[pa.Table]:
    """Yield the beats of parts, block by block; remove each part after reading it."""
    import pyarrow as pa

    for part in parts:
        path = _part_file(part, side)
        with pa.memory_map(str(path)) as file, pa.ipc.open_stream(file) as stream:
            for batch in stream:
                yield pa.Table.from_batches([batch])
        path.unlink()


def _kaggle_order(table: pa.Table) -> pa.Array:
    """Return int64[n], the row of each beat of Kaggle's test file that is in a table."""
    import pyarrow as pa

    keys = zip(table.column(RECORD).to_pylist(), table.column(SAMPLE).to_pylist(), strict=True)
    row_of = {key: row for row, key in enumerate(keys)}
    listed = kaggle_rows()
    wanted = zip((listed.names[index] for index in listed.record.tolist()), listed.sample.tolist(), strict=True)
    return pa.array([row_of[key] for key in wanted if key in row_of], pa.int64())


def _write_csv(tables: Iterable[pa.Table], rows: Path, provenance: Path) -> None:
    """Write the lines of tables as a CSV, and their origin as its provenance."""
    with rows.open("wb") as text, provenance.open("wb") as origins:
        origins.write(provenance_header())
        for table in tables:
            for lines in table.column(LINE).chunks:
                width = lines.type.byte_width
                text.write(memoryview(lines.buffers()[1])[lines.offset * width : (lines.offset + len(lines)) * width])
            record, sample, symbol = (table.column(name).to_pylist() for name in (RECORD, SAMPLE, SYMBOL))
            label = table.column(LABEL).to_pylist() if LABEL in table.column_names else [""] * len(table)
            origins.write(provenance_text(record, sample, [each or "" for each in symbol], label))
