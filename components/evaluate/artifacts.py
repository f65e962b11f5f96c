"""The artifacts that this stage hands on."""

from __future__ import annotations

from tfx.types import artifact


class Judgement(artifact.Artifact):
    """`judgement.json` (metrics, intervals, calibration, curves) and `predictions.npz` (what the report draws)."""

    TYPE_NAME = "heartbeat.Judgement"


class Verdict(artifact.Artifact):
    """`verdict.json`: why a model was let out, with the thresholds and the comparison."""

    TYPE_NAME = "heartbeat.Verdict"
