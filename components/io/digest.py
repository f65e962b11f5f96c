"""The digest that names a model, whatever lies beside it."""

from __future__ import annotations

import hashlib
from pathlib import Path

SIDECARS = "assets.extra"
"""What lies in here belongs to a model without being it: it is not part of the digest."""

_BLOCK = 1 << 20


def model_digest(model_dir: str | Path) -> str:
    """SHA-256 over the sorted relative paths and the bytes of a SavedModel, without assets.extra/.

    Args:
        model_dir: a local directory that holds saved_model.pb.

    Returns:
        64 hex digits.

    Raises:
        FileNotFoundError: there is no SavedModel.
    """
    top = Path(model_dir)
    if not (top / "saved_model.pb").is_file():
        raise FileNotFoundError(f"{top} holds no saved_model.pb, so it is no SavedModel")
    digest = hashlib.sha256()
    files = {file.relative_to(top).as_posix(): file for file in top.rglob("*") if file.is_file()}
    for name in sorted(files):
        if name.split("/")[0] == SIDECARS:
            continue
        digest.update(f"{name}\0{files[name].stat().st_size}\0".encode())
        with files[name].open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()
