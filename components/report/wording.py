"""Numbers and warnings as they are written everywhere in the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.beat import CLASS_NAMES, CLASSES

UNKNOWN: Final = "–"
"""Stands where there is no figure."""

SPLIT_WORDS: Final = {
    "kaggle": "Kaggle's own test rows",
    "patient": "patients of the test split were never trained on",
    "unknown": "split of unknown origin",
}


STOPPED: Final = {"data_refused": "refused", "model_refused": "refused", "interrupted": "interrupted"}
"""What happened to the stage at which a run of this status stopped."""


def state_of(stage: Mapping[str, Any], status: str) -> str:
    """What became of a stage, told by how its run ended: a gate that refused has not failed."""
    state = str(stage["state"])
    return STOPPED.get(status, state) if state == "failed" else state


def percent(share: float | None) -> str:
    """A share as a percentage with two decimals."""
    return UNKNOWN if share is None else f"{100 * share:.2f} %"


def number(value: float | None, decimals: int = 3) -> str:
    """A number with fixed decimals."""
    return UNKNOWN if value is None else f"{value:.{decimals}f}"


def count(value: int | None) -> str:
    """A whole number with thousands separated."""
    return UNKNOWN if value is None else f"{value:,}"


def between(interval: Sequence[float] | None, decimals: int = 3) -> str:
    """Both ends of an interval."""
    return UNKNOWN if interval is None else f"{interval[0]:.{decimals}f} to {interval[1]:.{decimals}f}"


def between_percent(interval: Sequence[float] | None) -> str:
    """Both ends of an interval of shares, in percent."""
    return UNKNOWN if interval is None else f"{100 * interval[0]:.2f} to {100 * interval[1]:.2f} %"


def class_title(index: int) -> str:
    """A class's letter and name."""
    return f"{CLASSES[index]}, {CLASS_NAMES[index]}"


def seconds(value: float) -> str:
    """A duration."""
    gap = "\N{NO-BREAK SPACE}"
    if value < 60:
        return f"{value:.1f}{gap}s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes}{gap}min{gap}{rest:02d}{gap}s"
    return f"{minutes // 60}{gap}h{gap}{minutes % 60:02d}{gap}min"
