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
        description="largest change of a class's share against the newest push's train data",
    )
    signal_drift: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Jensen-Shannon divergence of all samples from the newest push's",
    )
    allow: tuple[str, ...] = Field(
        default=(),
        description="anomaly types (TFMD names, as COMPARATOR_L_INFTY_HIGH) that are reported but do not stop the run",
    )
