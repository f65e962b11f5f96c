"""Settings of Transform."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.settings import Settings


class TransformSettings(Settings):
    """How beats are normalised, and how noisy their noisy version is."""

    normalisation: Literal["zscore", "none"] = Field(
        default="zscore",
        description="zscore: one mean and one standard deviation over all samples of the train split, an affine map "
        "that keeps a beat's shape; none: samples stay in 0..1, as in the study",
    )
    noise_sd: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="standard deviation of the noise in the second output, on the 0..1 signal; as in the study",
    )
