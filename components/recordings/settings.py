"""What `heartbeat prepare` is told to do."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from components.settings import Settings


class PrepareSettings(Settings):
    """One preparation of an archive."""

    wfdb: Path = Field(description="folder of the WFDB records")
    out: Path = Field(description="folder that the CSVs are written to")
    split: str | None = Field(None, description="kaggle, patient or record:FRACTION; None is kaggle for MIT-BIH")
    seed: int = Field(0, description="which records a record:FRACTION split draws")
    lead: str = Field("0", description="name or index of the lead; the first is the one that Kaggle's files hold")
    annotator: str = Field("atr", description="extension of the annotation files; atr is PhysioNet's reference")
    detect: bool = Field(False, description="find the beats in the signal instead of reading annotations")
    exclude: tuple[str, ...] = Field((), description="records to leave out")
    skip_bad: bool = Field(False, description="go on without the records that cannot be used, and list them")
    workers: int = Field(1, ge=1, description="processes; their number changes no byte of the result")
