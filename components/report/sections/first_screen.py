"""The first screen: what was run, did it work, how good is the model, what to look at next."""

from __future__ import annotations

from collections.abc import Sequence

from components.report.content import Card, Tone
from components.report.material import RunMaterial


def cards(material: RunMaterial) -> Sequence[Card]:
    """Answer the four questions."""
    return [_what(material)]


def _what(material: RunMaterial) -> Card:
    tone: Tone = "plain"
    return Card("What was run", str(material.settings["profile"]), [], tone)
