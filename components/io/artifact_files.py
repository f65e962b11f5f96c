"""Files of an artifact, wherever the artifact lies: on this machine or in a bucket."""

import io
import json
import os
from typing import Any

import numpy as np
import numpy.typing as npt
from tfx.dsl.io import fileio

JUDGEMENT, PREDICTIONS = "judgement.json", "predictions.npz"


def read_json(uri: str, name: str) -> Any:
    """Read a JSON file of an artifact."""
    with fileio.open(os.path.join(uri, name), "r") as file:
        return json.loads(file.read())


def write_json(uri: str, name: str, told: Any) -> None:
    """Write a JSON file of an artifact, whose folder is made if need be."""
    fileio.makedirs(uri)
    with fileio.open(os.path.join(uri, name), "w") as file:
        file.write(json.dumps(told, indent=1) + "\n")


def read_arrays(uri: str, name: str) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays of an .npz file of an artifact."""
    with fileio.open(os.path.join(uri, name), "rb") as file, np.load(io.BytesIO(file.read())) as arrays:
        return dict(arrays)


def write_arrays(uri: str, name: str, arrays: dict[str, npt.NDArray[Any]]) -> None:
    """Write arrays as an .npz file of an artifact, whose folder is made if need be."""
    fileio.makedirs(uri)
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    with fileio.open(os.path.join(uri, name), "wb") as file:
        file.write(packed.getvalue())
