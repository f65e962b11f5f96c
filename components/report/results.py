"""How good the models are on the test split: each figure with its interval, and the study's beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from components.beat import CLASSES
from components.report.classes import confusion_picture
from components.report.content import Block, Picture, Pictures, Table, Words
from components.report.material import RunMaterial
from components.report.study import PARAMETERS, ROWS, StudyRow
from components.report.wording import UNKNOWN, count, number, percent

REPLICA: Final = (
    "Study: what it says of itself. Replica: the study's network, trained in its way by this project on Kaggle's train "
    "rows and measured on Kaggle's test rows."
)

SIMULATED: Final = "The study's figures are of real beats: beside those of simulated ones they say nothing."

OTHER_BEATS: Final[Mapping[str, str]] = {
    "patient": "The test patients of this run are new to its models. The study and its replica were tested on patients "
    "whose beats they had been trained on, which is easier: the columns do not say which network is better.",
    "unknown": "The study and its replica were tested on other beats than this run's: the columns do not say which "
    "network is better.",
}
"""Why the comparison is unfair, by the run's split; Kaggle's own split is the replica's too."""


def results(material: RunMaterial) -> list[Block]:
    """Tabulate the run's models beside the study's, and draw their confusion matrices."""
    judgement = material.judgement
    parameters = material.summary["model"].get("parameters")
    return [
        Words(
            f"All on the same {count(judgement['rows'])} test beats, which nothing was trained or chosen on; noisy is "
            f"sd {judgement['settings']['noise_sd']:g}, {len(judgement['settings']['draws'])} draws pooled. In "
            f"brackets: 95 % intervals. {REPLICA}"
        ),
        *_incomparable(material),
        Table(
            "Test accuracy, macro-F1 and loss, beside the study's",
            ["model and beats", "accuracy", "study", "replica", "macro-F1", "replica", "loss", "study", "replica"],
            [*(_model_row(judgement, row) for row in ROWS), _commonest_class_row(judgement)],
        ),
        *(Words(f"The study's figure for {row.title} is {row.remark}.") for row in ROWS if row.remark),
        Words("After transfer and fine-tuning the study shows confusion matrices without a figure."),
        *(
            [Words(f"Parameters of the network: {count(parameters)}; of the study's: {count(PARAMETERS)}.")]
            if parameters
            else []
        ),
        Pictures([_matrix(judgement, row) for row in ROWS]),
    ]


def _incomparable(material: RunMaterial) -> list[Block]:
    """Say why the study's columns cannot be compared with the run's, where that is so."""
    split = material.split or "unknown"
    if material.synthetic:
        return [Words(SIMULATED, "warn")]
    return [Words(OTHER_BEATS[split], "warn")] if split in OTHER_BEATS else []


def _measured(judgement: Mapping[str, Any], name: str, row: StudyRow) -> Any:
    """Return `metrics` or `intervals` of one row's model and beats."""
    values = judgement[name]
    return values[row.beats] if row.model is None else values[row.model][row.beats]


def _model_row(judgement: Mapping[str, Any], row: StudyRow) -> list[str]:
    ours, intervals = _measured(judgement, "metrics", row), _measured(judgement, "intervals", row)
    low, high = intervals["accuracy"]
    return [
        row.title,
        f"{percent(ours['accuracy'])} ({100 * low:.2f}–{100 * high:.2f})",
        percent(row.study.accuracy),
        percent(row.replica.accuracy),
        f"{number(ours['macro_f1'])} ({intervals['macro_f1'][0]:.3f}–{intervals['macro_f1'][1]:.3f})",
        number(row.replica.macro_f1),
        number(ours["loss"]),
        number(row.study.loss),
        number(row.replica.loss),
    ]


def _commonest_class_row(judgement: Mapping[str, Any]) -> list[str]:
    """Return the row of a model that gives every beat the commonest class."""
    true = [sum(row) for row in judgement["metrics"]["clean"]["confusion"]]
    commonest = max(range(len(true)), key=true.__getitem__)
    share = true[commonest] / sum(true)
    macro_f1 = 2 * share / (1 + share) / sum(beats > 0 for beats in true)
    title = f"for comparison: every beat called {CLASSES[commonest]}"
    return [title, percent(share), *[UNKNOWN] * 2, number(macro_f1), *[UNKNOWN] * 4]


def _matrix(judgement: Mapping[str, Any], row: StudyRow) -> Picture:
    ours = _measured(judgement, "metrics", row)
    study = "the study gives no figure"
    if row.study.accuracy is not None:
        study = f"the study's {percent(row.study.accuracy)}" + (f" ({row.remark})" if row.remark else "")
    replica = percent(row.replica.accuracy)
    caption = f"Rows are the truth. Accuracy {percent(ours['accuracy'])}; {study}, its replica {replica}."
    return confusion_picture(ours["confusion"], row.title, caption)
