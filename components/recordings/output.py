"""Folders for results: made only for good, parts joined in a scratch folder, and published all at once."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from components.io.lock import flocked
from components.io.provenance import provenance_header
from components.io.signals import interrupts_ignored
from components.recordings.splits import kaggle_rows

PREFIX = ".prepare-"

COPY_BYTES = 1 << 22
"""Bytes, or rows' worth of them, copied at once."""


@contextmanager
def made_folder(out: Path) -> Iterator[None]:
    """Make a folder; where the work in it fails, remove again what was made, unless it holds something.

    Raises:
        OSError: it cannot be made.
    """
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for folder in made:
            with suppress(OSError):
                folder.rmdir()
        raise


@contextmanager
def scratch_folder(out: Path) -> Iterator[Path]:
    """Make a folder in `out` and remove it at the end; first remove those that killed processes have left.

    Raises:
        OSError: `out` cannot be written.
    """
    for abandoned in out.glob(f"{PREFIX}*"):
        with suppress(BlockingIOError), flocked(abandoned):
            shutil.rmtree(abandoned)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=out) as name, flocked(name):
        yield Path(name)


def join_parts(parts: Sequence[Path], side: str, rows: Path, provenance: Path) -> str:
    """Append the parts of one side in the order given, each being removed once it is in.

    Args:
        parts: what each record's part files are named by.
        side: which of their sides.
        rows: the file of rows to write.
        provenance: the file that says where each row comes from.

    Returns:
        The SHA-256 of the file of rows.
    """
    digest = hashlib.sha256()
    with rows.open("wb") as all_rows, provenance.open("wb") as all_provenance:
        all_provenance.write(provenance_header())
        for part in parts:
            text, origin = _paths(part, side)
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
    """Do as join_parts, but every row goes where Kaggle's test file has it; rows that are not there close up."""
    joined, origins = rows.with_suffix(".records"), provenance.with_suffix(".records")
    join_parts(parts, side, joined, origins)
    lines = origins.read_bytes().splitlines(keepends=True)[1:]
    listed = kaggle_rows()
    at = {}
    for i, line in enumerate(lines):
        record, sample, _ = line.decode().split(",", 2)
        at[record, int(sample)] = i
    keys = zip((listed.names[i] for i in listed.record.tolist()), listed.sample.tolist(), strict=True)
    order = np.array([at[key] for key in keys if key in at], np.int64)
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

    The old CSVs go first and the new ones come last, so a reader of all CSVs never finds some of both.

    Args:
        scratch: where the finished files are.
        folder: where they go.
        sides: names of a CSV and of its provenance.
        others: names of files that go with them.
    """
    beside = [*others, *(provenance for _, provenance in sides)]
    for name in [*beside, *(rows for rows, _ in sides)]:
        with (scratch / name).open("rb") as file:
            os.fsync(file.fileno())
    with interrupts_ignored():
        for rows, _ in reversed(sides):
            (folder / rows).unlink(missing_ok=True)
        for name in [*beside, *(rows for rows, _ in sides)]:
            (scratch / name).replace(folder / name)


def _paths(part: Path, side: str) -> tuple[Path, Path]:
    return part.with_name(f"{part.name}.{side}.csv"), part.with_name(f"{part.name}.{side}.provenance")
