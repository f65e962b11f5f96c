"""How numbers, states and class names are written throughout the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.beat import CLASS_NAMES, CLASSES

UNKNOWN: Final = "–"
"""Shown where there is no figure."""

SPLIT_WORDS: Final = {
    "kaggle": "Kaggle's own test rows",
    "patient": "no patient of the test split is in the training data",
    "unknown": "split of unknown origin",
}
"""How train and test beats were split, by the name of the split."""

STOPPED: Final = {"data_refused": "refused", "model_refused": "refused", "interrupted": "interrupted"}
"""State of the stage at which a run of this status stopped."""


def state_of(stage: Mapping[str, Any], status: str) -> str:
    """Return what became of a stage, by how its run ended: a gate that refused has not failed."""
    state = str(stage["state"])
    return STOPPED.get(status, state) if state == "failed" else state


def percent(share: float | None, decimals: int = 2) -> str:
    """Format a share as a percentage."""
    return UNKNOWN if share is None else f"{100 * share:.{decimals}f} %"


def number(value: float | None, decimals: int = 3) -> str:
    """Format a number with fixed decimals, thousands separated."""
    return UNKNOWN if value is None else f"{value:,.{decimals}f}"


def count(value: int | None) -> str:
    """Format a whole number with thousands separated."""
    return UNKNOWN if value is None else f"{value:,}"


def between(interval: Sequence[float] | None, decimals: int = 3) -> str:
    """Format both ends of an interval."""
    return UNKNOWN if interval is None else f"{interval[0]:.{decimals}f} to {interval[1]:.{decimals}f}"


def between_percent(interval: Sequence[float] | None) -> str:
    """Format both ends of an interval of shares, in percent."""
    return UNKNOWN if interval is None else f"{100 * interval[0]:.2f} to {100 * interval[1]:.2f} %"


def class_title(index: int) -> str:
    """Return a class's letter and name."""
    return f"{CLASSES[index]}, {CLASS_NAMES[index]}"


def clock(value: float, decimals: int = 0) -> str:
    """Format a time since the start of a recording, as 1:02:03."""
    whole, part = divmod(round(value * 10**decimals), 10**decimals)
    rest = f".{part:0{decimals}d}" if decimals else ""
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}{rest}"


def seconds(value: float) -> str:
    """Format a duration."""
    gap = "\N{NO-BREAK SPACE}"
    if value < 60:
        return f"{value:.1f}{gap}s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes}{gap}min{gap}{rest:02d}{gap}s"
    return f"{minutes // 60}{gap}h{gap}{minutes % 60:02d}{gap}min"
