"""What a run's summary takes from the artifacts that a stage left behind."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.ingest.judge import judge_ingest
from components.ingest.report import read_ingest_report
from components.io.digest import model_digest
from components.io.serving import list_versions
from pipeline.settings import RunSettings
from pipeline.summary import Summary

Artifacts = Mapping[str, Mapping[str, Sequence[str]]]
"""Stage -> output key -> URIs, of every stage that ran or was cached so far."""


def take_from(stage: str, artifacts: Artifacts, settings: RunSettings, serving: str, summary: Summary) -> None:
    """Fill in what one stage tells: counts, metrics, the model, and every sentence that a gate said.

    Args:
        stage: the stage that has just ended well.
        artifacts: of all stages so far, local paths.
        settings: the run's.
        serving: where models are pushed to.
        summary: changed in place.
    """
    if stage == "ExampleGen":
        report = read_ingest_report(_only(artifacts, stage, "report"))
        summary.data = {"synthetic": report.synthetic, "split": report.split, "rows": dict(report.rows)}
    elif stage == "IngestGate":
        summary.verdict += judge_ingest(read_ingest_report(_only(artifacts, "ExampleGen", "report")), settings.data)
    elif stage == "FineTuner":
        summary.model["digest"] = model_digest(Path(_only(artifacts, stage, "model"), "Format-Serving"))
        summary.model["parameters"] = _json(artifacts, stage, "model_run", "history.json")["parameters"]
    elif stage == "Judge":
        summary.metrics = _json(artifacts, stage, "judgement", "judgement.json")["metrics"]
    elif stage in ("DataGate", "ModelGate"):
        summary.verdict += _json(artifacts, stage, "verdict", "verdict.json")["sentences"]
    elif stage == "Pusher":
        _take_push(_json(artifacts, stage, "pushed_model", "pushed.json"), serving, summary)


def _take_push(pushed: Mapping[str, Any], serving: str, summary: Summary) -> None:
    """A cached push may be gone by now, or another version may serve."""
    versions = [version.version for version in list_versions(serving)]
    if pushed["version"] not in versions:
        summary.verdict.append(
            f"Version {pushed['version']} was pushed by an earlier run and is no longer in {serving}. "
            "To push it again, name another folder with --serving."
        )
        return
    summary.model["pushed"] = pushed["location"]
    if pushed["version"] != versions[-1]:
        summary.verdict.append(
            f"Version {pushed['version']} was pushed by an earlier run, and version {versions[-1]} serves now: "
            f"`heartbeat models rollback {pushed['version']} --serving {serving}` makes the first serve again."
        )


def _only(artifacts: Artifacts, stage: str, key: str) -> str:
    [uri] = artifacts[stage][key]
    return uri


def _json(artifacts: Artifacts, stage: str, key: str, name: str) -> Any:
    return json.loads(Path(_only(artifacts, stage, key), name).read_text(encoding="utf-8"))
