"""Settings of the data gate."""

from __future__ import annotations

from pydantic import Field

from components.settings import Settings


class ValidateSettings(Settings):
    """When statistics stop a run. Every value that differs from its default is named in the gate's words."""

    label_drift: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="largest change in a class's share from the newest push's train data",
    )
    signal_drift: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="largest Jensen-Shannon divergence of all samples from the newest push's",
    )
    allow: tuple[str, ...] = Field(
        default=(),
        description="anomaly types (TFMD names, such as COMPARATOR_L_INFTY_HIGH) that are only reported",
    )
