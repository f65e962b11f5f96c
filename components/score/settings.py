"""Settings of a scoring job that decide its bytes, and those that do not."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.settings import Settings


class ScoreSettings(Settings):
    """What a job's results depend on, besides its inputs and its model."""

    format: Literal["parquet", "csv"] = Field(
        default="parquet", description="of parts/: Parquet is a tenth of CSV to write and to read again"
    )
    labelled: bool = Field(
        default=True, description="whether rows carry a label, which the confusion counts need; 187 columns have none"
    )
    shard_mib: int = Field(
        default=256, ge=1, description="MiB of CSV or Parquet in a shard: what a resumed job may redo"
    )
    block_mib: int = Field(
        default=16, ge=1, description="MiB of CSV read at a time: some 3,500 beats, a worker holds a few"
    )
    block_rows: int = Field(default=4096, ge=1, description="rows of Parquet or TFRecord read at a time, likewise")
    batch: int = Field(default=2048, ge=1, description="beats in a call of the model: 1 to 4 thousand are fastest")
