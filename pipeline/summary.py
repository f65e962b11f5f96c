"""`summary.json`: what a run did, how it ended, how good its model is; written whatever way it ended."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pipeline.runfolder import write_whole

State = Literal["ran", "cached", "failed", "skipped"]

ROWS_OF_STAGE: Mapping[str, tuple[str, ...]] = {
    "ExampleGen": ("train", "eval", "test", "rejects"),
    "IngestGate": ("train", "eval", "test", "rejects"),
    "StatisticsGen": ("train", "eval", "test"),
    "ExampleValidator": ("train", "eval", "test"),
    "DataGate": ("train", "eval", "test"),
    "Transform": ("train", "eval"),
    "Tuner": ("train", "eval"),
    "Trainer": ("train", "eval"),
    "FineTuner": ("train", "eval"),
    "Evaluator": ("test",),
    "Judge": ("test",),
    "ModelGate": ("test",),
}
"""Which splits' rows a stage reads; a stage that reads none has no rows."""


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
    """Everything that `summary.json` holds; filled as the run goes on."""

    run: str
    status: str = "failed"
    exit_code: int = 1
    data: dict[str, Any] = field(default_factory=dict)
    stages: list[StageRecord] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=lambda: {"parameters": None, "digest": None, "pushed": None})
    verdict: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    def count_rows(self) -> None:
        """Give each stage that ran or was cached the rows of the splits it reads."""
        rows = self.data.get("rows")
        for stage in self.stages:
            splits = ROWS_OF_STAGE.get(stage.name)
            if rows and splits and stage.state in ("ran", "cached"):
                stage.rows = sum(rows[split] for split in splits)

    def write(self, run_folder: Path, root: Path) -> None:
        """Write the run's summary and the root's copy of the newest."""
        text = json.dumps(asdict(self), indent=1) + "\n"
        write_whole(run_folder / "summary.json", text)
        write_whole(root / "summary.json", text)


def skipped_stages(names: Sequence[str]) -> list[StageRecord]:
    """List stages in their order, none of them begun."""
    return [StageRecord(name) for name in names]
