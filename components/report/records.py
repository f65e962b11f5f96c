"""Record by record: how the model does on each person, and on all of them beside calling every beat N."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.beat import CLASSES
from components.report.content import Block, Table, Words
from components.report.material import RunMaterial
from components.report.wording import UNKNOWN, between, between_percent, count, number, percent

SHOWN: Final = (0, 1, 2)
"""Classes whose recall and precision are shown: N, S and V."""

EXPLANATION: Final = (
    "None of these records was trained on. Gross figures pool all beats; the average counts each record once. "
    "Intervals are over records, drawn whole: beats of one person are answered alike, so that their number says little "
    "about the next one."
)


def records(material: RunMaterial) -> list[Block]:
    """Tabulate the fine-tuned model on clean beats."""
    judged = material.judgement.get("by_record")
    if judged is None:
        return [Words("Test records are not known to be new to the models, so that they are not judged one by one.")]
    symbols = [CLASSES[index] for index in SHOWN]
    rates = [f"{symbol} {name}" for symbol in symbols for name in ("recall", "precision")]
    model, trivial = judged["model"], judged["all_n"]
    differences = judged["difference"]
    return [
        Words(EXPLANATION),
        Table(
            f"All {count(len(judged['records']))} records together",
            ["", "accuracy", "95 % interval", "average of records", "mean F1 of N, S, V", "95 % interval", *rates],
            [_together("model", model), _together("every beat called N", trivial)],
            wide=True,
        ),
        Words(
            f"The model less every beat called N, 95 % intervals: accuracy {between(differences['accuracy'])}, mean F1 "
            f"{between(differences['named_f1'])}."
        ),
        Table(
            "Each record",
            ["record", "beats", *symbols, "accuracy", "every beat N", *rates],
            [_alone(row) for row in judged["records"]],
            wide=True,
        ),
    ]


def _rates(figures: Mapping[str, Any]) -> list[str]:
    return [number(figures[name][index], 2) for index in SHOWN for name in ("recall", "precision")]


def _together(title: str, figures: Mapping[str, Any]) -> list[str]:
    intervals = figures["intervals"]
    return [
        title,
        percent(figures["accuracy"]),
        between_percent(intervals["accuracy"]),
        percent(figures["average"]["accuracy"]),
        number(figures["named_f1"]),
        between(intervals["named_f1"]),
        *_rates(figures),
    ]


def _alone(row: Mapping[str, Any]) -> Sequence[str]:
    beats = row["beats"]
    classes = [count(beats[index]) if beats[index] else UNKNOWN for index in SHOWN]
    return [row["record"], count(sum(beats)), *classes, percent(row["accuracy"]), percent(row["all_n"]), *_rates(row)]
