"""Settings of a scoring job: those that decide its bytes, those of a job as a stage, and the budget of rejects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

from pydantic import Field

from components.errors import UsageError
from components.settings import Settings
from components.train.served import AnyPrecision

REJECT_BUDGET: Final = r"^(\d+|(\d{1,2}(\.\d+)?|100(\.0+)?)%)$"
"""A number of rows, or a share of at most 100 %."""


class ScoreSettings(Settings):
    """What a job's results depend on, besides its inputs and its model."""

    format: Literal["parquet", "csv"] = Field(
        default="parquet", description="format of parts/; Parquet takes a tenth of CSV's time to write and read"
    )
    labelled: bool = Field(
        default=True, description="whether rows carry a label, which the confusion counts need; 187 columns have none"
    )
    shard_bytes: int = Field(
        default=256 << 20,
        ge=1,
        description="bytes of CSV per shard (as many beats in other formats): what a stop may lose",
    )
    block_rows: int = Field(default=4096, ge=1, description="rows read at a time, and per row group of the result")
    lead: str | None = Field(
        default=None,
        description="recordings: name or index of the lead; empty: II, MLII, ML2, ECG1, else the first",
    )
    annotator: str | None = Field(
        default=None,
        description="recordings: extension of the annotations that mark the beats; empty: detect them",
    )
    annotations: str | None = Field(
        default=None,
        description="recordings: extension of the WFDB annotation files to write, or csv, or edf (EDF+)",
    )
    precision: AnyPrecision = Field(
        default="auto",
        description="numeric precision of the model: float32, or a lower one that was released; auto: the fastest that "
        "this machine's processor has instructions for, float32 on a cluster",
    )
    batch: int = Field(
        default=768,
        ge=1,
        description="maximum beats per call of TensorFlow: 500 to 1,000 are fastest; OpenVINO always gets 256",
    )


class BatchSettings(Settings):
    """A scoring job as a stage of the pipeline (BatchScorer): the job, how it is run, and when it fails."""

    input: str = Field(default="", description="path, glob or URI to score; required by the stage")
    output: str = Field(default="", description="directory or URI of the jobs; empty: with the run's artifacts")
    job: ScoreSettings = ScoreSettings()
    reject_budget: str = Field(
        default="1%",
        pattern=REJECT_BUDGET,
        description="rows that may be rejected, as a number or a share: 100 or 0.5%",
    )
    workers: int = Field(default=1, ge=1, description="processes on this machine, each using one thread")
    on: str = Field(
        default="",
        pattern=r"^((flink|spark)://[A-Za-z0-9._-]+:[0-9]{1,5})?$",
        description="cluster to score on, flink://HOST:8081 or spark://HOST:7077, using all its free slots; empty: "
        "this machine. On a cluster, input, output and serving directory must be on an object store",
    )
    job_endpoint: str = Field(
        default="",
        description="HOST:PORT of Beam's job server for the cluster; empty: one is started, which needs Java",
    )
    beam: tuple[str, ...] = Field(
        default=(), description="more Beam options for the cluster, such as a worker pool's --environment_type=EXTERNAL"
    )
    assume_shared: bool = Field(
        default=False, description="whether local paths are mounted at the same place on all of the cluster's machines"
    )


@dataclass(frozen=True)
class RejectBudget:
    """How many rows of a job may be rejects: a number of rows or a share of them, such as `100` or `0.5%`."""

    text: str

    def __post_init__(self) -> None:
        if not re.fullmatch(REJECT_BUDGET, self.text):
            raise UsageError(f"--reject-budget {self.text}: expected a number of rows, or a share such as 0.5%.")

    def allowed(self, rows: int) -> int:
        """Return the number of rejects allowed among this many rows."""
        return int(Fraction(self.text[:-1]) / 100 * rows) if self.text.endswith("%") else int(self.text)
