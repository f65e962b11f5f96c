"""Digests that tell the cache that something it cannot see has changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import components


def digest_text(text: str) -> str:
    """SHA-256 of a text, as 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def code_digest(*stages: str) -> str:
    """SHA-256 over the Python files of stages' folders, of `beats/` and of the settings' base, by relative path.

    What prepares CSVs (`beats/prepare/`) is left out: no stage runs it.

    Args:
        stages: folders of `components` whose code a node runs.

    Raises:
        FileNotFoundError: there is no such stage.
    """
    top = Path(components.__path__[0])
    files = {top / "settings.py"}
    for folder in ("beats", *stages):
        if not (top / folder).is_dir():
            raise FileNotFoundError(f"components/{folder} is not a stage's folder")
        files |= set((top / folder).rglob("*.py"))
    digest = hashlib.sha256()
    for file in sorted(files - set((top / "beats" / "prepare").rglob("*.py"))):
        digest.update(file.relative_to(top).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
