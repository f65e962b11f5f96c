"""Folders for results: made only for good, parts joined in a scratch folder, and published all at once."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from components.io.provenance import provenance_header
from components.io.signals import interrupts_ignored
from components.recordings.splits import kaggle_rows

COPY_BYTES = 1 << 22
"""Bytes, or rows' worth of them, copied at once."""


@contextmanager
def made_folder(out: Path) -> Iterator[None]:
    """Make a folder; if the block fails, remove what was made again, unless it holds something."""
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for folder in made:
            with suppress(OSError):
                folder.rmdir()
        raise


def part_files(part: Path, side: str) -> tuple[Path, Path]:
    """Return the files of rows and of provenance that a record's part has for one side."""
    return part.with_name(f"{part.name}.{side}.csv"), part.with_name(f"{part.name}.{side}.provenance")


def join_parts(parts: Sequence[Path], side: str, rows: Path, provenance: Path) -> str:
    """Join the parts of one side, in order, to a file of rows and one of provenance; return the SHA-256 of the rows.

    Each part is removed once it is copied.
    """
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


def join_in_kaggle_order(parts: Sequence[Path], side: str, rows: Path, provenance: Path) -> str:
    """Join parts as `join_parts` does, but with the rows in the order of Kaggle's test file."""
    joined, origins = rows.with_suffix(".records"), provenance.with_suffix(".records")
    join_parts(parts, side, joined, origins)
    lines = origins.read_bytes().splitlines(keepends=True)[1:]
    listed = kaggle_rows()
    index = {}
    for i, line in enumerate(lines):
        record, sample, _ = line.decode().split(",", 2)
        index[record, int(sample)] = i
    keys = zip((listed.names[i] for i in listed.record.tolist()), listed.sample.tolist(), strict=True)
    order = np.array([index[key] for key in keys if key in index], np.int64)
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


def publish(scratch: Path, folder: Path, sides: Sequence[tuple[str, str]], others: Sequence[str] = ()) -> None:
    """Move finished files to their final names, once all of them are on the disk.

    The old CSVs are removed first and the new ones come last, so a reader of all CSVs never has some of both.
    `sides` has the names of each CSV and of its provenance, `others` those of files that go with them.
    """
    names = [*others, *(provenance for _, provenance in sides), *(rows for rows, _ in sides)]
    for name in names:
        with (scratch / name).open("rb") as file:
            os.fsync(file.fileno())
    with interrupts_ignored():
        for rows, _ in reversed(sides):
            (folder / rows).unlink(missing_ok=True)
        for name in names:
            (scratch / name).replace(folder / name)
