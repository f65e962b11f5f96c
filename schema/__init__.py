"""The curated schema of a beat, packaged so that every runner finds the same one."""

from __future__ import annotations

from importlib import resources

SCHEMA_FILE = "heartbeat.pbtxt"


def curated_schema_text() -> str:
    """Return the curated TFMD schema in protobuf text format."""
    return resources.files(__name__).joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
