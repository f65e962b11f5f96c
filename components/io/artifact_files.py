"""Files of TFX artifacts, local or in a bucket: the names that stages share, JSON, arrays."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, Final, cast

from components.io.storage import read_whole, write_whole

if TYPE_CHECKING:
    import numpy.typing as npt

SERVING_MODEL: Final = "Format-Serving"
"""Folder of the SavedModel in a Model artifact, as TFX names it."""

EXTRA: Final = "assets.extra"
"""Folder in a SavedModel that TensorFlow ignores, and so does the model's digest."""

SIDECAR_DIR: Final = f"{EXTRA}/heartbeat"
"""Folder in a SavedModel for accompanying files."""

KERAS_FILE: Final = f"{SIDECAR_DIR}/model.keras"
"""The network itself in a SavedModel, for further training: normalised beats -> logits float32[n, 5]."""

CONTEXT_FILE: Final = f"{SIDECAR_DIR}/context.json"
"""Version and names of the context that a SavedModel reads; missing if it reads none."""

FLOAT32_FILE: Final = f"{SIDECAR_DIR}/float32.xml"
"""The signature `beats` for OpenVINO, in a pushed SavedModel; its weights are in the `.bin` beside it."""

INT8_FILE: Final = f"{SIDECAR_DIR}/int8.tflite"
"""The model in int8, with the same signature `beats`, in a pushed SavedModel that was released in it."""

OPENVINO_FILES: Final = (FLOAT32_FILE, f"{SIDECAR_DIR}/float32.bin", INT8_FILE)
"""All that OpenVINO reads of a pushed model; `digests.json` beside them has the SHA-256 of each."""

SPLIT_STATISTICS: Final = "FeatureStats.pb"
"""Statistics of a split, in its `Split-...` folder, as TFDV names it."""

SPLIT_ANOMALIES: Final = "SchemaDiff.pb"
"""Anomalies of a split, in its `Split-...` folder, as TFDV names it."""

HISTORY: Final = "history.json"
"""Learning curves of a training run."""

CERTAINTY: Final = "certainty.json"
"""The FineTuner's calibration: temperature, threshold, shifts."""

FROZEN: Final = "frozen"
"""The FineTuner's phase one, and the folder of its SavedModel in the run's artifact."""

JUDGEMENT: Final = "judgement.json"
"""The Judge's measurements."""

PREDICTIONS: Final = "predictions.npz"
"""Probabilities behind the Judge's measurements."""

VERDICT: Final = "verdict.json"
"""A gate's remarks when it let the run continue; its key `verdict` holds the result of `verdict_json`."""

PUSHED: Final = "pushed.json"
"""Version, location and digest of a push."""


def read_json(uri: str, name: str) -> Any:
    """Read a JSON file of an artifact."""
    return json.loads(read_whole(f"{uri}/{name}"))


def write_json(uri: str, name: str, content: Any) -> None:
    """Write a JSON file of an artifact; create its folder if necessary."""
    write_whole(f"{uri}/{name}", json.dumps(content, indent=1) + "\n")


def read_arrays(uri: str, name: str) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays of an .npz file of an artifact."""
    import numpy as np

    with np.load(io.BytesIO(read_whole(f"{uri}/{name}"))) as arrays:
        return dict(arrays)


def write_arrays(uri: str, name: str, arrays: dict[str, npt.NDArray[Any]]) -> None:
    """Write arrays as an .npz file of an artifact; create its folder if necessary."""
    import numpy as np

    packed = io.BytesIO()
    np.savez_compressed(packed, **cast(dict[str, Any], arrays))
    write_whole(f"{uri}/{name}", packed.getvalue())
