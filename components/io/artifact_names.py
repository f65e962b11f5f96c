"""Names of the files and folders that one stage leaves in its artifacts for another to read."""

from __future__ import annotations

from typing import Final

SERVING_MODEL: Final = "Format-Serving"
"""Folder of the SavedModel in a Model artifact, as TFX names it."""

EXTRA: Final = "assets.extra"
"""Folder in a SavedModel that TensorFlow ignores, and so does the model's digest."""

SIDECAR_DIR: Final = f"{EXTRA}/heartbeat"
"""Folder in a SavedModel for what travels with it."""

KERAS_FILE: Final = f"{SIDECAR_DIR}/model.keras"
"""The network itself in a SavedModel, to go on training from: normalised beats -> logits float32[n, 5]."""

CONTEXT_FILE: Final = f"{SIDECAR_DIR}/context.json"
"""Version and names of the context that a SavedModel reads; not there for one that reads none."""

SPLIT_STATISTICS: Final = "FeatureStats.pb"
"""Statistics of a split, in its `Split-...` folder, as TFDV names it."""

SPLIT_ANOMALIES: Final = "SchemaDiff.pb"
"""Anomalies of a split, in its `Split-...` folder, as TFDV names it."""

HISTORY: Final = "history.json"
"""Learning curves of a training run."""

CERTAINTY: Final = "certainty.json"
"""What the FineTuner learnt by calibrating: temperature, threshold, shifts."""

FROZEN: Final = "frozen"
"""The FineTuner's phase one, and the folder of its SavedModel in the run's artifact."""

JUDGEMENT: Final = "judgement.json"
"""What the Judge measured."""

PREDICTIONS: Final = "predictions.npz"
"""Probabilities that the Judge measured by."""

VERDICT: Final = "verdict.json"
"""What a gate said when it let the run go on; its key `verdict` holds what `verdict_json` gives."""

PUSHED: Final = "pushed.json"
"""Version, location and digest of a push."""
