"""What a run left in its folder, and what its stages left where `artifacts.json` says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.errors import UsageError
from components.ingest.report import IngestSummary, read_ingest_report
from components.report.made import NotReachedError
from components.report.split_beats import Survey, blocks, survey

NO_STAGES: Mapping[str, Mapping[str, list[str]]] = {}


@dataclass(frozen=True)
class RunMaterial:
    """A run, finished or not.

    Attributes:
        folder: the run's folder.
        summary: its `summary.json`.
        settings: its `settings.json`.
        artifacts: stage -> output key -> URIs, of every stage that ran or was cached.
    """

    folder: Path
    summary: Mapping[str, Any]
    settings: Mapping[str, Any]
    artifacts: Mapping[str, Mapping[str, list[str]]]

    def place(self, stage: str, key: str) -> str:
        """URI of what a stage left under an output key.

        Source: `artifacts.json`, which names one artifact for each key.

        Raises:
            NotReachedError: the run ended before the stage did.
        """
        uris = self.artifacts.get(stage, {}).get(key, [])
        if not uris:
            raise NotReachedError(f"The run ended before {stage} was done.")
        return uris[0]

    def reached(self, stage: str) -> bool:
        """Whether a stage ran to its end or was cached.

        Source: `artifacts.json` has only such stages.
        """
        return stage in self.artifacts

    def read_json(self, stage: str, key: str, name: str) -> Any:
        """A JSON file of an artifact.

        Source: the stage's own contract for its files.

        Raises:
            NotReachedError: the run ended before the stage did.
            OSError: the file is not there any more.
        """
        return json.loads(Path(self.place(stage, key), name).read_text(encoding="utf-8"))

    @property
    def synthetic(self) -> bool:
        """Whether the beats are simulated."""
        return bool(self.summary["data"].get("synthetic"))

    @property
    def split(self) -> str | None:
        """How train and test beats were parted: `kaggle`, `patient`, `unknown`; None before it was known."""
        split: str | None = self.summary["data"].get("split")
        return split

    @cached_property
    def ingest(self) -> IngestSummary:
        """What became of the rows of the input files."""
        return read_ingest_report(self.place("ExampleGen", "report"))

    @cached_property
    def judgement(self) -> Mapping[str, Any]:
        """What the Judge measured."""
        told: Mapping[str, Any] = self.read_json("Judge", "judgement", "judgement.json")
        return told

    @cached_property
    def predictions(self) -> Mapping[str, npt.NDArray[Any]]:
        """`label` int64[n], and probabilities float32[n, 5] of each model on the clean test beats, in their order."""
        with np.load(Path(self.place("Judge", "judgement"), "predictions.npz")) as arrays:
            return dict(arrays)

    @cached_property
    def train(self) -> Survey:
        """What the first beats of the train split look like."""
        return survey(blocks(self.examples("train")))

    def examples(self, split: str) -> str:
        """Folder of a split's examples."""
        return f"{self.place('ExampleGen', 'examples')}/Split-{split}"


def load_run(folder: Path) -> RunMaterial:
    """Read what a run left.

    Args:
        folder: `ROOT/runs/<run id>`.

    Raises:
        UsageError: the folder is not that of a run, or a file in it cannot be read.
    """
    try:
        summary, settings = (_read(folder / name) for name in ("summary.json", "settings.json"))
        known = folder / "artifacts.json"
        artifacts = _read(known) if known.exists() else NO_STAGES
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{folder} is not the folder of a run: {error}. Name one below ROOT/runs; it holds summary.json."
        ) from error
    return RunMaterial(folder, summary, settings, artifacts)


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))
