"""The base of every group of settings: frozen, typed, and refusing keys it does not know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A group of settings; each field's description gives its unit and its reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield nested values as `group.name` and value."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def differences(values: Mapping[str, Any], usual: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """List `group.name`, value and usual value, None without one, of the nested values that are not as usual."""
    known = dict(flatten(usual))
    return [(name, value, known.get(name)) for name, value in flatten(values) if value != known.get(name)]
