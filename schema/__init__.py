"""The curated schema of a beat and that of a scored row, packaged so that every runner finds the same ones."""

from __future__ import annotations

from importlib import resources

SCHEMA_FILE = "heartbeat.pbtxt"
PREDICTION_FILE = "prediction.json"


def curated_schema_text() -> str:
    """Return the curated TFMD schema in protobuf text format."""
    return resources.files(__name__).joinpath(SCHEMA_FILE).read_text(encoding="utf-8")


def prediction_schema_text() -> str:
    """Return what the columns of a scored row, and the fields of a reject, are; as JSON."""
    return resources.files(__name__).joinpath(PREDICTION_FILE).read_text(encoding="utf-8")
