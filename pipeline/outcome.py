"""What a run's summary takes from a stage's outputs. The table of stages maps stages to functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.io.artifact_files import SERVING_MODEL
from components.verdict import PUSHED_BEFORE, Verdict, read_verdict

if TYPE_CHECKING:
    from pipeline.settings import RunSettings

Artifacts = Mapping[str, Mapping[str, Sequence[str]]]
"""Stage -> output key -> URIs, of every stage that ran or was cached so far."""

Part = Mapping[str, Any]
"""Fields of `summary.json`: values of `data`, `metrics` and `model`, more of `verdict`."""


@dataclass(frozen=True)
class Outcome:
    """What the stages of a run produced so far, at local paths."""

    artifacts: Artifacts
    settings: RunSettings
    serving: str

    def path(self, name: str) -> Path:
        """Return where `Stage.output` or `Stage.output/file` is; raise KeyError without that output."""
        output, _, file = name.partition("/")
        stage, _, key = output.partition(".")
        [uri] = self.artifacts[stage][key]
        return Path(uri, file)

    def json(self, name: str) -> Any:
        """Read the JSON file `Stage.output/file`; raise KeyError without that output, OSError without the file."""
        return json.loads(self.path(name).read_text(encoding="utf-8"))


Summarise = Callable[[Outcome, str], Part]
"""Takes the outcome and the name of the stage's result file; raises KeyError, OSError, ValueError if it is unusable."""


def count_rows(outcome: Outcome, result: str) -> Part:
    """Take how many rows each split has, and how the test split was made."""
    from components.ingest.report import read_ingest_report

    report = read_ingest_report(str(outcome.path(result).parent))
    return {"data": {"synthetic": report.synthetic, "split": report.split, "rows": dict(report.rows)}}


def ingest_verdict(outcome: Outcome, result: str) -> Part:
    """Take the ingest gate's verdict, which it does not write to a file."""
    from components.ingest.report import gate_ingest, read_ingest_report

    return {"verdict": gate_ingest(read_ingest_report(str(outcome.path(result).parent)), outcome.settings.data)}


def gate_verdict(outcome: Outcome, result: str) -> Part:
    """Take the verdict with which a gate let the run continue."""
    return {"verdict": read_verdict(outcome.json(result)["verdict"])}


def trained_model(outcome: Outcome, result: str) -> Part:
    """Take the digest and the size of the model that may be pushed."""
    from components.io.serving import model_digest

    digest = model_digest(outcome.path(f"FineTuner.model/{SERVING_MODEL}"))
    return {"model": {"digest": digest, "parameters": outcome.json(result)["parameters"]}}


def model_metrics(outcome: Outcome, result: str) -> Part:
    """Take the metrics on the test split."""
    return {"metrics": outcome.json(result)["metrics"]}


def pushed_model(outcome: Outcome, result: str) -> Part:
    """Take where the model was pushed to; a cached push may be gone by now, or another version may serve."""
    from components.io.serving import ServingDirectory

    pushed, serving = outcome.json(result), outcome.serving
    versions = ServingDirectory(serving).versions()
    if pushed["version"] not in versions:
        gone = (
            f"Version {pushed['version']} was pushed by an earlier run and is no longer in {serving}. "
            "To push it again, name another folder with --serving."
        )
        return {"verdict": [Verdict("remark", "push_gone", gone)]}
    if pushed["version"] == versions[-1]:
        same = f"The model is byte for byte that of version {pushed['version']}, which serves: it was not pushed again."
        verdict = [] if pushed["new"] else [Verdict("remark", PUSHED_BEFORE, same)]
        return {"model": {"pushed": pushed["location"]}, "verdict": verdict}
    older = (
        f"Version {pushed['version']} was pushed by an earlier run, and version {versions[-1]} serves now: "
        f"`heartbeat models rollback {pushed['version']} --serving {serving}` makes the first serve again."
    )
    return {"model": {"pushed": pushed["location"]}, "verdict": [Verdict("remark", "push_behind", older)]}
