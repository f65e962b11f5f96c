"""The base of every group of settings: frozen, typed, and refusing keys it does not know."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A group of settings; each field's description gives its unit and its reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")
