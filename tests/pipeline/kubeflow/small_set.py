"""Some 500 beats of the demo set: every so many rows of each file, with their provenance and the mark."""

from pathlib import Path

from components.beats.synthetic import MARKER, demo_files

EVERY = 12


def small_set(seed: int = 3) -> dict[str, bytes]:
    """File name -> content."""
    small = {MARKER: b"SYNTHETIC: a part of Heartbeat's demo set.\n"}
    for name, content in demo_files(seed).items():
        lines = content.splitlines(keepends=True)
        head, rows = (lines[:1], lines[1:]) if "provenance" in name else ([], lines)
        small[name] = b"".join([*head, *rows[::EVERY]])
    return small


def write_small_set(folder: Path) -> Path:
    """Write the files into a folder, which is made."""
    folder.mkdir(parents=True)
    for name, content in small_set().items():
        (folder / name).write_bytes(content)
    return folder
