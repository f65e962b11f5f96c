"""Numbers and warnings as they are written everywhere in the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from components.beats.beat import CLASS_NAMES, CLASSES

UNKNOWN: Final = "–"
"""Stands where there is no figure."""

SYNTHETIC: Final = "SYNTHETIC: simulated beats; no figure here says anything about real hearts."

PATIENTS: Final = {
    "kaggle": "These are Kaggle's own rows: beats of one patient may be on both sides of the split, so new patients "
    "will be answered worse than these figures say.",
    "unknown": "How these beats were split is not known: beats of one patient may be on both sides, so new patients "
    "may be answered worse than these figures say.",
}
"""What every figure must be read with, by how train and test beats were parted."""

SPLIT_WORDS: Final = {
    "kaggle": "Kaggle's own test rows",
    "patient": "patients of the test split were never trained on",
    "unknown": "split of unknown origin",
}


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
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
