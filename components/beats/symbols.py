"""Which WFDB annotation symbols are beats, and which class of EC57 each of them has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from components.beat import CLASSES, SYMBOL_TO_LABEL
from components.errors import UsageError

BEAT_SYMBOLS: Final = frozenset("NLRBAaJSVrFejnE/fQ?!")
"""Symbols that WFDB counts as beats; a flutter wave (!) is one that has no class here."""

DEFAULT_MAP: Final[Mapping[str, int]] = {**SYMBOL_TO_LABEL, "B": 0, "n": 0, "r": 2, "?": 4}
"""Kaggle's classes, and those of the symbols that MIT-BIH does not use."""

EC57_MAP: Final[Mapping[str, int]] = {**DEFAULT_MAP, "e": 1, "j": 1, "n": 1}
"""As WFDB's bxb counts for ANSI/AAMI EC57: escape beats from above the ventricles are S."""

MAPS: Final[Mapping[str, Mapping[str, int]]] = {"kaggle": DEFAULT_MAP, "ec57": EC57_MAP}

NO_CLASS: Final = "-"


def parse_map(text: str | None) -> dict[str, int]:
    """Return symbol -> index into CLASSES.

    Args:
        text: `kaggle`, `ec57`, changes such as `B=N,n=S` (`-` for no class), or one of the two and then changes; None
            is kaggle.

    Raises:
        UsageError: the text is not of that form.
    """
    names = [] if text is None else text.split(",")
    labels = dict(MAPS[names.pop(0)] if names and names[0] in MAPS else DEFAULT_MAP)
    for name in names:
        symbol, class_name = name[:1], name[2:]
        if name[1:2] != "=" or class_name not in (*CLASSES, NO_CLASS):
            raise UsageError(
                f"--map {text} is not understood at {name!r}: use kaggle, ec57, or SYMBOL=CLASS pairs such as B=N,n=S, "
                f"where CLASS is one of {', '.join(CLASSES)} or - for none."
            )
        if class_name == NO_CLASS:
            labels.pop(symbol, None)
        else:
            labels[symbol] = CLASSES.index(class_name)
    return labels


def describe_map(labels: Mapping[str, int]) -> str:
    """Return the symbols of each class, as in `N: N L R e j; S: A a J S`."""
    return "; ".join(
        f"{name}: {' '.join(symbol for symbol, label in labels.items() if label == i) or 'none'}"
        for i, name in enumerate(CLASSES)
    )
