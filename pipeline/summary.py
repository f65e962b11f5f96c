"""`summary.json`: what a run did, how it ended and how good its model is; always written."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, Literal

from components.io.storage import write_whole
from components.verdict import Verdict
from pipeline.outcome import Outcome
from pipeline.stages import STAGES

State = Literal["ran", "cached", "failed", "skipped"]

PACKAGES: Final = (
    "heartbeat",
    "tfx",
    "tensorflow",
    "keras",
    "apache-beam",
    "tensorflow-transform",
    "tensorflow-data-validation",
    "tensorflow-model-analysis",
    "numpy",
    "pyarrow",
)
"""Packages that shape the figures of a run."""


@dataclass
class StageRecord:
    """One stage of a run: wall and CPU seconds of this run, rows of the splits it read."""

    name: str
    state: State = "skipped"
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    rows: int | None = None


@dataclass
class Summary:
    """Everything that `summary.json` holds; filled as the run proceeds."""

    run: str
    status: str = "failed"
    exit_code: int = 1
    data: dict[str, Any] = field(default_factory=lambda: {"synthetic": False, "split": None, "rows": None})
    stages: list[StageRecord] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=lambda: {"parameters": None, "digest": None, "pushed": None})
    verdict: list[Verdict] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    def take_from(self, stage: str, outcome: Outcome) -> None:
        """Add the counts, metrics, model and verdict of a stage that has just succeeded, as the stage table says.

        Raises:
            KeyError, OSError, ValueError: an output of the stage is missing or unreadable.
        """
        entry = STAGES[stage]
        part = entry.summarise(outcome, entry.result) if entry.summarise else {}
        self.data |= part.get("data", {})
        self.metrics |= part.get("metrics", {})
        self.model |= part.get("model", {})
        self.verdict += part.get("verdict", [])

    def count_rows(self) -> None:
        """Give each stage that ran or was cached the rows of the splits it reads."""
        rows = self.data["rows"]
        for stage in self.stages:
            splits = STAGES[stage.name].rows
            if rows and splits and stage.state in ("ran", "cached"):
                stage.rows = sum(rows[split] for split in splits)

    def write(self, run_folder: Path, root: Path) -> None:
        """Write the run's summary and the root's copy of the newest."""
        text = json.dumps(asdict(self), indent=1) + "\n"
        write_whole(run_folder / "summary.json", text)
        write_whole(root / "summary.json", text)


def versions_here() -> dict[str, str]:
    """Return the versions of this process by name, in the order in which they are shown."""
    return {
        "Python": platform.python_version(),
        "platform": platform.platform(),
        "CPU cores": str(os.cpu_count()),
        **{package: _version(package) for package in PACKAGES},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
