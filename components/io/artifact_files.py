"""JSON and arrays of a TFX artifact, wherever it lies: on this machine or in a bucket."""

import io
import json
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from components.io.storage import read_whole, write_whole


def read_json(uri: str, name: str) -> Any:
    """Read a JSON file of an artifact."""
    return json.loads(read_whole(f"{uri}/{name}"))


def write_json(uri: str, name: str, content: Any) -> None:
    """Write a JSON file of an artifact, whose folder is made if need be."""
    write_whole(f"{uri}/{name}", json.dumps(content, indent=1) + "\n")


def read_arrays(uri: str, name: str) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays of an .npz file of an artifact."""
    with np.load(io.BytesIO(read_whole(f"{uri}/{name}"))) as arrays:
        return dict(arrays)


def write_arrays(uri: str, name: str, arrays: dict[str, npt.NDArray[Any]]) -> None:
    """Write arrays as an .npz file of an artifact, whose folder is made if need be."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **cast(dict[str, Any], arrays))
    write_whole(f"{uri}/{name}", packed.getvalue())
