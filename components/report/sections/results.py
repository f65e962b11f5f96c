"""How good the models are on the test split: each figure with its interval, and the study's beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.report.content import Block, Pictures, Table
from components.report.material import RunMaterial
from components.report.pictures.confusion import confusion_picture
from components.report.study import ROWS, StudyRow
from components.report.wording import between, between_percent, number, percent


def results(material: RunMaterial) -> list[Block]:
    """Tabulate the run's models beside the study's, and draw their confusion matrices."""
    judgement = material.judgement
    return [
        Table(
            "Accuracy, loss and macro-F1 on the test split, beside the study and a replica of it",
            [
                "model and beats",
                "accuracy",
                "95 % interval",
                "study",
                "replica",
                "loss",
                "study",
                "replica",
                "macro-F1",
                "95 % interval",
                "replica",
                "remark",
            ],
            [_row(judgement, row) for row in ROWS],
            left=(0, 11),
        ),
        Pictures([_matrix(judgement, row) for row in ROWS]),
    ]


def measured(judgement: Mapping[str, Any], what: str, row: StudyRow) -> Any:
    """A part of the judgement (`metrics`, `intervals`, `f1`) for one row's model and beats."""
    part = judgement[what]
    return part[row.beats] if row.model is None else part[row.model][row.beats]


def _row(judgement: Mapping[str, Any], row: StudyRow) -> list[str]:
    ours, interval = measured(judgement, "metrics", row), measured(judgement, "intervals", row)
    return [
        row.title,
        percent(ours["accuracy"]), between_percent(interval["accuracy"]),
        percent(row.study.accuracy), percent(row.replica.accuracy),
        number(ours["loss"]), number(row.study.loss), number(row.replica.loss),
        number(ours["macro_f1"]), between(interval["macro_f1"]), number(row.replica.macro_f1),
        row.remark,
    ]  # fmt: skip


def _matrix(judgement: Mapping[str, Any], row: StudyRow) -> Any:
    ours = measured(judgement, "metrics", row)
    return confusion_picture(ours["confusion"], row.title, f"Accuracy {percent(ours['accuracy'])}.")
