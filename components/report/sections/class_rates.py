"""Recall, precision and F1 of each class on the test split, with what chance leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.report.content import Block, Pictures, Table, Words
from components.report.material import RunMaterial
from components.report.pictures.rates import rates_picture
from components.report.wording import between, class_title, count, number

RATES = ("recall", "precision", "f1")


def class_rates(material: RunMaterial) -> list[Block]:
    """Tabulate and draw the candidate's rates on clean and on noisy beats."""
    judgement = material.judgement
    tables, pictures = list[Block](), []
    for kind in ("clean", "noisy"):
        rates, intervals = rates_of(judgement, kind), judgement["intervals"][kind]
        true = [sum(row) for row in judgement["metrics"][kind]["confusion"]]
        pictures.append(rates_picture(rates, intervals, f"Fine-tuned model, {kind} beats", "Bars: 95 % intervals."))
        tables.append(
            Table(
                f"The fine-tuned model on {kind} test beats, class by class",
                ["class", "beats", *(title for name in RATES for title in (name.replace("f1", "F1"), "95 % interval"))],
                [
                    [class_title(index), count(true[index])]
                    + [text for name in RATES for text in _rate(rates[name][index], intervals[name][index])]
                    for index in range(len(true))
                ],
            )
        )
    return [
        Words(
            "Recall is the share of a class's beats that are found, precision the share of the beats called so that "
            "are, F1 their harmonic mean. Rare classes have wide intervals: a model is not better because one of them "
            "moved within its bar. The study gives no figure for single classes. Noisy beats are counted once for each "
            "draw of noise; their intervals count each beat once."
        ),
        Pictures(pictures),
        *tables,
    ]


def rates_of(judgement: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Recall, precision and F1 of the candidate, a value a class each."""
    metrics = judgement["metrics"][kind]
    return {"recall": metrics["recall"], "precision": metrics["precision"], "f1": judgement["f1"][kind]}


def _rate(value: float | None, interval: Any) -> list[str]:
    return [number(value), between(interval)]
