"""Settings of a scoring job that decide its bytes, and those that do not."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.io.text import LINE_BYTES
from components.settings import Settings


class ScoreSettings(Settings):
    """What a job's results depend on, besides its inputs and its model."""

    format: Literal["parquet", "csv"] = Field(
        default="parquet", description="of parts/: Parquet is a tenth of CSV to write and to read again"
    )
    labelled: bool = Field(
        default=True, description="whether rows carry a label, which the confusion counts need; 187 columns have none"
    )
    shard_bytes: int = Field(
        default=256 << 20, ge=1, description="of CSV in a shard (as many beats of other formats): what a stop may cost"
    )
    block_bytes: int = Field(
        default=8 << 20,
        ge=2 * LINE_BYTES,
        description="of CSV read at a time: some 1,700 beats, a row group of the result; larger ones are slower",
    )
    block_rows: int = Field(default=4096, ge=1, description="rows of Parquet or TFRecord read at a time, likewise")
    batch: int = Field(default=768, ge=1, description="most beats in a call of the model: 500 to 1,000 are fastest")


class BatchSettings(Settings):
    """A scoring job as a stage of the pipeline (BatchScorer): the job, and how it is run and judged."""

    input: str = Field(default="", description="path, glob or URI of what is scored; the stage needs one")
    output: str = Field(default="", description="directory or URI of the jobs; empty: among the run's artifacts")
    job: ScoreSettings = ScoreSettings()
    reject_budget: str = Field(default="1%", description="rows that may be rejected, or the share of them: 100 or 0.5%")
    workers: int = Field(default=1, ge=1, description="processes of this machine, each with TensorFlow on one thread")
    on: str = Field(
        default="",
        pattern=r"^((flink|spark)://[A-Za-z0-9._-]+:[0-9]{1,5})?$",
        description="cluster that scores, flink://HOST:8081 or spark://HOST:7077, in all its free slots; empty: this "
        "machine. Input, output and serving directory are then on an object store",
    )
    job_endpoint: str = Field(
        default="",
        description="HOST:PORT of Beam's job server for the cluster; empty: one is started, which needs Java",
    )
    beam: tuple[str, ...] = Field(
        default=(), description="more options for Beam on the cluster, as a worker pool's --environment_type=EXTERNAL"
    )
    assume_shared: bool = Field(
        default=False, description="whether local paths are mounted at the same place on all of the cluster's machines"
    )
