"""Training: curves over epochs, the Tuner's trials, and where TensorBoard finds more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any, Final

from components.errors import counted
from components.io.artifact_files import FROZEN, HISTORY
from components.report.content import Block, Code, Heading, Picture, Pictures, Table, Words
from components.report.drawing import CURVE_STYLES, INK, MAIN, new_figure, picture
from components.report.material import RunMaterial
from components.report.study import EPOCHS
from components.report.wording import UNKNOWN, number
from components.train.tuner import OBJECTIVE

History = Mapping[str, Sequence[float]]
"""Name of a measure -> its value after each epoch."""

SHOWN: Final = (
    ("accuracy", "share of beats", ("accuracy", "val_accuracy", "val_noisy_accuracy")),
    ("loss", "cross-entropy", ("loss", "val_loss", "val_noisy_loss")),
)
"""What is drawn of a history: title, unit, and the keys of the curves that CURVES names."""

CURVES: Final = ("training", "validation", "validation, noisy")


def training(material: RunMaterial) -> list[Block]:
    """Draw accuracy and loss over epochs, train against validation."""
    clean: History = material.read_json("Trainer", "model_run", HISTORY)
    blocks: list[Block] = [
        Words(
            "Validation beats are cut from the train file; the test beats are only ever evaluated. (The study "
            f"validated on its test beats over {EPOCHS} epochs and kept the best epoch.) Training figures are of "
            "augmented beats with dropout on, so they may be worse than those of validation."
        ),
        Heading("Clean training"),
        _curves(clean, "Clean training", "The study reports 96.67 % and a loss of 0.134 on its test beats."),
    ]
    if material.reached("FineTuner"):
        phases: Mapping[str, History] = material.read_json("FineTuner", "model_run", HISTORY)
        frozen, finetuned = phases[FROZEN], phases["finetuned"]
        joined = {name: [*frozen[name], *finetuned[name]] for name in frozen if name in finetuned}
        end = len(frozen["epoch"])
        caption = (
            f"Up to the line ({end} of {len(joined['epoch'])} epochs) the body is frozen; then every layer learns."
        )
        if refitted := phases.get("refitted"):
            caption += (
                f" After the end of the curves came {len(refitted['epoch'])} epochs on all beats, validation included, "
                "so no beats are left to evaluate them on."
            )
        blocks += [Heading("Transfer and fine-tuning"), _curves(joined, "Fine-tuning", caption, end)]
    return [*blocks, *_tensorboard(material)]


def _curves(history: History, title: str, caption: str, phase_end: int | None = None) -> Pictures:
    """Draw accuracy and loss over the epochs of all phases, counted from 1; another phase begins after `phase_end`."""
    from matplotlib.ticker import MaxNLocator

    pictures, epochs = [], len(history["epoch"])
    for measure, unit, keys in SHOWN:
        curves = {name: history[key] for key, name in zip(keys, CURVES, strict=True) if key in history}
        with new_figure(3.0) as figure:
            axes = figure.subplots()
            for (name, values), (colour, dash, marker) in zip(curves.items(), CURVE_STYLES, strict=False):
                axes.plot(range(1, epochs + 1), values, color=colour, linestyle=dash, marker=marker, markersize=3.5,
                          label=name)  # fmt: skip
            if phase_end is not None:
                axes.axvline(phase_end + 0.5, color=INK, linewidth=0.8, linestyle="-.")
            axes.set(title=f"{title}: {measure}", xlabel="epoch", ylabel=unit)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            figure.legend(loc="outside lower center", ncols=len(curves))
        ends = ", ".join(f"{name} from {values[0]:.3f} to {values[-1]:.3f}" for name, values in curves.items())
        pictures.append(picture(figure, f"{title}: {measure} over {epochs} epochs: {ends}.", caption))
    return Pictures(pictures)


def _tensorboard(material: RunMaterial) -> list[Block]:
    logs = {
        stage.lower(): Path(material.uri(stage, "model_run"), "logs")
        for stage in ("Trainer", "FineTuner")
        if material.reached(stage)
    }
    folders = ",".join(f"{name}:{folder}" for name, folder in logs.items() if folder.is_dir())
    label = "The same curves in TensorBoard, which is in Heartbeat's environment (. .venv/bin/activate):"
    return [Code(label, f"tensorboard --logdir_spec {quote(folders)}")] if folders else []


def tuning(material: RunMaterial) -> list[Block]:
    """Tabulate and draw the Tuner's trials, best first."""
    trials = material.read_json("Tuner", "tuner_results", "tuner_results.json")
    names = [name for name in trials[0] if name not in ("trial_id", "score")]
    measure = OBJECTIVE.replace("val_", "validation ")
    tried = counted(len(trials), "trial")
    rows = [
        [str(_number_of(trial)), number(trial["score"], 4), *(_value(trial.get(name)) for name in names)]
        for trial in trials
    ]
    return [
        Words(
            f"{tried} of {material.settings['tune']['epochs']} epochs each; the first has the settings' own values. "
            f"Both trainers use the values of the best one, trial {_number_of(trials[0])}."
        ),
        Pictures([trials_picture(trials, measure)]),
        Table("Trials, best first", ["trial", measure, *names], rows),
    ]


def _number_of(trial: Mapping[str, Any]) -> int:
    """Return a trial's number, counted from 1."""
    return int(trial["trial_id"]) + 1


def _value(value: Any) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def trials_picture(trials: Sequence[Mapping[str, Any]], measure: str) -> Picture:
    """Draw the score of each trial in the order they were tried, the best one ringed."""
    scores = [trial["score"] for trial in sorted(trials, key=_number_of)]
    numbers = range(1, len(scores) + 1)
    best = min(numbers, key=lambda trial: scores[trial - 1])
    with new_figure(2.7) as figure:
        axes = figure.subplots()
        axes.plot(numbers, scores, color=MAIN, marker="o", linestyle=":")
        axes.plot(best, scores[best - 1], marker="o", markersize=13, markerfacecolor="none", markeredgecolor=INK)
        axes.annotate("best", (best, scores[best - 1]), (0, 11), textcoords="offset points", ha="center")
        axes.margins(0.15, 0.25)
        axes.set(title="The Tuner's trials", xlabel="trial", ylabel=measure)
        axes.set_xticks(numbers)
    alt = f"{measure} of {counted(len(scores), 'trial')}; the best is trial {best} with {scores[best - 1]:.4f}."
    return picture(figure, alt, "Lower is better. The study has no search.")
