"""How to read the page, and what it does differently from the study."""

from __future__ import annotations

from components.report.content import Block, Bullets
from components.report.material import RunMaterial


def about(material: RunMaterial) -> list[Block]:
    """List what to know when comparing."""
    used = material.settings["train"]["policy"]
    return [
        Bullets(
            [
                "The study validates on its test set and keeps the best epoch there, so its figures are those of a "
                "choice made on the test beats. Here validation beats are cut from the train file.",
                "The study's confusion matrices carry class names in the wrong order. Here every matrix, table and "
                "colour takes its order from one place: N, S, V, F, Q.",
                f"The study balances its classes before training; this run's policy is {used}.",
                "The study's accuracy under noise is of its training set; here all are of test beats.",
                "Its time axes count samples; here they are in ms, at 120 Hz.",
                "95 % intervals: Wilson's for recall and precision, a bootstrap over beats for the others. They hold "
                "the test beats' chance, not that of another training or of other patients.",
            ]
        )
    ]
