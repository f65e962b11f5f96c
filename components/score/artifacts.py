"""The artifact that this stage hands on."""

from __future__ import annotations

from tfx.types import artifact


class ScoredBeats(artifact.Artifact):
    """`scored.json`: the summary of a scoring job, and where its rows are; these too, if no other place was given."""

    TYPE_NAME = "heartbeat.ScoredBeats"
