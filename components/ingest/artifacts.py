"""The artifact that tells what became of every row."""

from __future__ import annotations

from tfx.types.artifact import Artifact


class IngestReport(Artifact):
    """Holds `ingest.json`, the counts, and `rejects.jsonl`, every line that is not a beat."""

    TYPE_NAME = "heartbeat.IngestReport"
