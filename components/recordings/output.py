"""Folders for results: made only for good, and finished files published in them all at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from components.io.signals import interrupts_ignored


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


def publish(scratch: Path, folder: Path, sides: Sequence[Sequence[str]], others: Sequence[str] = ()) -> None:
    """Move finished files to their final names, once all of them are on the disk.

    The old files of beats are removed first and the new ones come last, so a reader of all never has some of both.
    `sides` has the names of each file of beats and of what lies beside it, `others` those of files that go with all.
    """
    rows = [names[0] for names in sides]
    names = [*others, *(name for names in sides for name in names[1:]), *rows]
    for name in names:
        with (scratch / name).open("rb") as file:
            os.fsync(file.fileno())
    with interrupts_ignored():
        for name in reversed(rows):
            (folder / name).unlink(missing_ok=True)
        for name in names:
            (scratch / name).replace(folder / name)
