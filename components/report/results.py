"""Results of the models on the test split, next to the study's; and per record, next to calling every beat N."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.beat import CLASSES
from components.report.classes import confusion_picture
from components.report.content import Block, Picture, Pictures, Table, Words
from components.report.material import RunMaterial
from components.report.study import PARAMETERS, ROWS, StudyRow
from components.report.wording import UNKNOWN, between, between_percent, count, number, percent

REPLICA: Final = (
    "Study: the figures that it reports. Replica: the study's network, trained by this project as the study describes, "
    "on Kaggle's train rows, and measured on Kaggle's test rows."
)

SIMULATED: Final = "The study's figures are for real beats: comparing them with those for simulated beats says nothing."

OTHER_BEATS: Final[Mapping[str, str]] = {
    "patient": "The test patients of this run are new to its models. The study and its replica were tested on patients "
    "whose beats they had been trained on, which is easier: the columns do not say which network is better.",
    "unknown": "The study and its replica were tested on other beats than this run: the columns do not say which "
    "network is better.",
}
"""Why the comparison is unfair, by the run's split; Kaggle's own split is the replica's too."""

RATED: Final = (0, 1, 2)
"""Classes whose recall and precision are shown: N, S and V."""

BY_RECORD: Final = (
    "None of these records was trained on. Gross figures pool all beats; the average counts each record once. "
    "Intervals are over records, drawn whole: a model answers one person's beats alike, so many of them say little "
    "about the next person."
)


def results(material: RunMaterial) -> list[Block]:
    """Tabulate the run's models next to the study's, and draw their confusion matrices."""
    judgement = material.judgement
    parameters = material.summary["model"].get("parameters")
    return [
        Words(
            f"All on the same {count(judgement['rows'])} test beats, on which nothing was trained or chosen. Noisy: "
            f"sd {judgement['settings']['noise_sd']:g}, {len(judgement['settings']['draws'])} draws pooled. In "
            f"brackets: 95 % intervals. {REPLICA}"
        ),
        *_incomparable(material),
        Table(
            "Test accuracy, macro-F1 and loss, compared with the study's",
            ["model and beats", "accuracy", "study", "replica", "macro-F1", "replica", "loss", "study", "replica"],
            [*(_model_row(judgement, row) for row in ROWS), _commonest_class_row(judgement)],
        ),
        *(Words(f"The study's figure for {row.title} is {row.remark}.") for row in ROWS if row.remark),
        Words("For transfer and fine-tuning the study shows confusion matrices but states no figures."),
        *(
            [Words(f"Parameters of the network: {count(parameters)}; of the study's: {count(PARAMETERS)}.")]
            if parameters
            else []
        ),
        Pictures([_matrix(judgement, row) for row in ROWS]),
    ]


def _incomparable(material: RunMaterial) -> list[Block]:
    """Say why the study's columns cannot be compared with the run's, if so."""
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


def records(material: RunMaterial) -> list[Block]:
    """Tabulate the fine-tuned model on clean beats."""
    judged = material.judgement.get("by_record")
    if judged is None:
        return [Words("Test records are not known to be new to the models, so they are not judged one by one.")]
    symbols = [CLASSES[index] for index in RATED]
    rates = [f"{symbol} {name}" for symbol in symbols for name in ("recall", "precision")]
    model, trivial = judged["model"], judged["all_n"]
    differences = judged["difference"]
    return [
        Words(BY_RECORD),
        Table(
            f"All {count(len(judged['records']))} records together",
            ["", "accuracy", "95 % interval", "average of records", "mean F1 of N, S, V", "95 % interval", *rates],
            [_together("model", model), _together("every beat called N", trivial)],
            wide=True,
        ),
        Words(
            f"The model minus every beat called N, 95 % intervals: accuracy {between(differences['accuracy'])}, mean "
            f"F1 {between(differences['named_f1'])}."
        ),
        Table(
            "Each record",
            ["record", "beats", *symbols, "accuracy", "every beat N", *rates],
            [_alone(row) for row in judged["records"]],
            wide=True,
        ),
    ]


def _rates(figures: Mapping[str, Any]) -> list[str]:
    return [number(figures[name][index], 2) for index in RATED for name in ("recall", "precision")]


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
    classes = [count(beats[index]) if beats[index] else UNKNOWN for index in RATED]
    return [row["record"], count(sum(beats)), *classes, percent(row["accuracy"]), percent(row["all_n"]), *_rates(row)]
