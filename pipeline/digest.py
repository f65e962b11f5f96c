"""Digests that tell the cache that something it cannot see has changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import components


def digest_text(text: str) -> str:
    """SHA-256 of a text, as 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def code_digest(stage: str) -> str:
    """SHA-256 over the Python files of a stage's folder and of `beats/`, by relative path.

    Args:
        stage: a folder of `components`.

    Raises:
        FileNotFoundError: there is no such stage.
    """
    top = Path(components.__path__[0])
    if not (top / stage).is_dir():
        raise FileNotFoundError(f"components/{stage} is not a stage's folder")
    digest = hashlib.sha256()
    for folder in sorted({"beats", stage}):
        for file in sorted((top / folder).rglob("*.py")):
            digest.update(file.relative_to(top).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
