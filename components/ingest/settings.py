"""Settings of ingest: how much may be rejected, and how validation beats are cut from the train file."""

from __future__ import annotations

from pydantic import Field

from components.settings import Settings


class DataSettings(Settings):
    """How files of beats become examples."""

    reject_budget: int = Field(
        default=0, ge=0, description="faulty rows that may be dropped, over all files; 0 because a clean file has none"
    )
    eval_share: float = Field(
        default=0.1,
        gt=0,
        lt=1,
        description="share of train rows held out for validation (except in the refit), 0..1",
    )
    seed: int = Field(default=1, ge=0, lt=2**63, description="decides which rows (or records) are held out")
    context: bool = Field(
        default=False,
        description="give each example the context of its beat, which `train.network=context` learns from; the files "
        "must have it (`heartbeat prepare --format parquet`)",
    )
    shard_mib: int = Field(
        default=256,
        ge=1,
        description="MiB of CSV, or as many beats of Parquet, that a worker takes at a time: seconds of work, and one "
        "output file per split",
    )
