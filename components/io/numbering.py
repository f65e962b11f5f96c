"""How versions are numbered: the second they were pushed in, and always above all before; the highest serves."""

from __future__ import annotations

from collections.abc import Sequence

COMPLETE = "saved_model.pb"
"""The file whose presence says that a version is whole."""


def version_of(name: str) -> int | None:
    """The number that a directory's name stands for, or None when it is no version's: digits alone, no leading zero."""
    return int(name) if name.isascii() and name.isdigit() and not name.startswith("0") else None


def next_version(taken: Sequence[int], now: float) -> int:
    """The number of a version pushed now.

    Args:
        taken: all numbers in use, complete or not.
        now: seconds since 1970.
    """
    return max([int(now), *(number + 1 for number in taken)])
