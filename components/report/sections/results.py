"""How good the models are on the test split: each figure with its interval, and the study's beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.beat import CLASSES
from components.report.content import Block, Picture, Pictures, Table, Words
from components.report.material import RunMaterial
from components.report.pictures.confusion import confusion_picture
from components.report.study import PARAMETERS, ROWS, StudyRow
from components.report.wording import UNKNOWN, count, number, percent

REPLICA = (
    "Study: what it says of itself. Replica: the study's network, trained in its way by this project on Kaggle's train "
    "rows and measured on Kaggle's test rows."
)

SIMULATED = "The study's figures are of real beats: beside those of simulated ones they say nothing."

OTHER_BEATS: Mapping[str, str] = {
    "patient": "The test patients of this run are new to its models. The study and its replica were tested on patients "
    "whose beats they had been trained on, which is easier: the columns do not say which network is better.",
    "unknown": "The study and its replica were tested on other beats than this run's: the columns do not say which "
    "network is better.",
}
"""What must be said of the comparison, by the run's split; Kaggle's own is the replica's too."""


def results(material: RunMaterial) -> list[Block]:
    """Tabulate the run's models beside the study's, and draw their confusion matrices."""
    judgement = material.judgement
    return [
        Words(
            f"All on the same {count(judgement['rows'])} test beats, which nothing was trained or chosen on; noisy is "
            f"sd {judgement['settings']['noise_sd']:g}, {len(judgement['settings']['draws'])} draws pooled. In "
            f"brackets: 95 % intervals. {REPLICA}"
        ),
        *_hindrance(material),
        Table(
            "Test accuracy, macro-F1 and loss, beside the study's",
            ["model and beats", "accuracy", "study", "replica", "macro-F1", "replica", "loss", "study", "replica"],
            [*(_row(judgement, row) for row in ROWS), _constant(judgement)],
        ),
        *(Words(f"The study's figure for {row.title} is {row.remark}.") for row in ROWS if row.remark),
        Words("After transfer and fine-tuning the study shows confusion matrices without a figure."),
        *_parameters(material),
        Pictures([_matrix(judgement, row) for row in ROWS]),
    ]


def _hindrance(material: RunMaterial) -> list[Block]:
    split = material.split or "unknown"
    if material.synthetic:
        return [Words(SIMULATED, "warn")]
    return [Words(OTHER_BEATS[split], "warn")] if split in OTHER_BEATS else []


def measured(judgement: Mapping[str, Any], what: str, row: StudyRow) -> Any:
    """A part of the judgement (`metrics`, `intervals`, `f1`) for one row's model and beats."""
    part = judgement[what]
    return part[row.beats] if row.model is None else part[row.model][row.beats]


def _row(judgement: Mapping[str, Any], row: StudyRow) -> list[str]:
    ours, interval = measured(judgement, "metrics", row), measured(judgement, "intervals", row)
    low, high = interval["accuracy"]
    return [
        row.title,
        f"{percent(ours['accuracy'])} ({100 * low:.2f}–{100 * high:.2f})",
        percent(row.study.accuracy),
        percent(row.replica.accuracy),
        f"{number(ours['macro_f1'])} ({interval['macro_f1'][0]:.3f}–{interval['macro_f1'][1]:.3f})",
        number(row.replica.macro_f1),
        number(ours["loss"]),
        number(row.study.loss),
        number(row.replica.loss),
    ]


def _constant(judgement: Mapping[str, Any]) -> list[str]:
    """The row of a model that calls every beat by the commonest class."""
    true = [sum(row) for row in judgement["metrics"]["clean"]["confusion"]]
    most = max(range(len(true)), key=true.__getitem__)
    share = true[most] / sum(true)
    macro_f1 = 2 * share / (1 + share) / sum(of > 0 for of in true)
    title = f"for comparison: every beat called {CLASSES[most]}"
    return [title, percent(share), *[UNKNOWN] * 2, number(macro_f1), *[UNKNOWN] * 4]


def _parameters(material: RunMaterial) -> list[Block]:
    ours = material.summary["model"].get("parameters")
    return [Words(f"Parameters of the network: {count(ours)}; of the study's: {count(PARAMETERS)}.")] if ours else []


def _matrix(judgement: Mapping[str, Any], row: StudyRow) -> Picture:
    ours = measured(judgement, "metrics", row)
    study, replica = percent(row.study.accuracy), percent(row.replica.accuracy)
    remark = f" ({row.remark})" if row.remark else ""
    said = f"the study's {study}{remark}" if row.study.accuracy is not None else "the study gives no figure"
    caption = f"Rows are the truth. Accuracy {percent(ours['accuracy'])}; {said}, its replica {replica}."
    return confusion_picture(ours["confusion"], row.title, caption)
