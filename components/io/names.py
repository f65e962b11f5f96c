"""Names of what lies beside a model in its version directory."""

from __future__ import annotations

SIDECAR_DIR = "assets.extra/heartbeat"
"""Where sidecars lie, relative to the version; TensorFlow ignores `assets.extra`, and so does the model's digest."""

MODEL = "model.keras"
"""The Keras file, to train on from."""

METRICS = "metrics.json"
"""The judgement: metrics, intervals, calibration, and what the data was."""

STATISTICS = "stats.pb"
"""TFDV's statistics of the train split, which drift is measured against."""

DIGESTS = "digests.json"
"""SHA-256 of the model, the data, the code and the settings."""

HISTOGRAM = "histogram.json"
"""How the samples of the train split are spread over 0..1."""

MODEL_CARD = "model_card.md"
"""What the model is for and not for, for people."""

ORIGIN = "origin.json"
"""Only in a rolled-back version: the version that it copies, and when."""
