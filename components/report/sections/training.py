"""How the models learnt: curves over epochs, the Tuner's trials, and where TensorBoard finds more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from components.report.content import Block, Code, Heading, Picture, Pictures, Table, Words
from components.report.material import RunMaterial
from components.report.pictures.curves import Curve, epochs_picture
from components.report.pictures.rates import trials_picture
from components.report.study import EPOCHS
from components.report.wording import UNKNOWN, number
from components.train.tuner import OBJECTIVE

History = Mapping[str, Sequence[float]]

SHOWN = (
    ("accuracy", "share of beats", ("accuracy", "val_accuracy", "val_noisy_accuracy")),
    ("loss", "cross-entropy", ("loss", "val_loss", "val_noisy_loss")),
)
"""What is drawn of a history: title, unit and curves, which are those of CURVES."""

CURVES = ("training", "validation", "validation, noisy")


def training(material: RunMaterial) -> list[Block]:
    """Draw accuracy and loss over epochs, train against validation."""
    clean: History = material.read_json("Trainer", "model_run", "history.json")
    blocks: list[Block] = [
        Words(
            "Validation beats are cut from the train file; the test beats are only ever evaluated. (The study "
            f"validated on its test beats over {EPOCHS} epochs and kept the best epoch.) Training figures are of "
            "augmented beats with dropout on, so they may be worse than those of validation."
        ),
        Heading("Clean training"),
        Pictures(
            _pictures(clean, "Clean training", (), "The study reports 96.67 % and a loss of 0.134 on its test beats.")
        ),
    ]
    if material.reached("FineTuner"):
        tuned: Mapping[str, History] = material.read_json("FineTuner", "model_run", "history.json")
        frozen, finetuned = tuned["frozen"], tuned["finetuned"]
        joined = {name: [*frozen[name], *finetuned[name]] for name in frozen if name in finetuned}
        head = len(frozen["epoch"])
        note = f"Up to the line ({head} of {len(joined['epoch'])} epochs) the body is frozen; then every layer learns."
        if refitted := tuned.get("refitted"):
            note += (
                f" After the curves' end {len(refitted['epoch'])} epochs of all beats followed, those of validation "
                "too, so that nothing is left to draw them against."
            )
        blocks += [Heading("Transfer and fine-tuning"), Pictures(_pictures(joined, "Fine-tuning", (head,), note))]
    return [*blocks, *_tensorboard(material)]


def _pictures(history: History, title: str, phase_ends: Sequence[int], caption: str) -> list[Picture]:
    return [
        epochs_picture(
            [Curve(name, history[key]) for key, name in zip(curves, CURVES, strict=True) if key in history],
            f"{title}: {measure}", unit, caption, phase_ends,
        )
        for measure, unit, curves in SHOWN
    ]  # fmt: skip


def _tensorboard(material: RunMaterial) -> list[Block]:
    logs = {
        stage.lower(): Path(material.place(stage, "model_run"), "logs")
        for stage in ("Trainer", "FineTuner")
        if material.reached(stage)
    }
    named = ",".join(f"{name}:{folder}" for name, folder in logs.items() if folder.is_dir())
    label = "The same curves in TensorBoard, which is in Heartbeat's environment (. .venv/bin/activate):"
    return [Code(label, f"tensorboard --logdir_spec {quote(named)}")] if named else []


def tuning(material: RunMaterial) -> list[Block]:
    """Tabulate the Tuner's trials, best first."""
    trials = material.read_json("Tuner", "tuner_results", "tuner_results.json")
    names = [name for name in trials[0] if name not in ("trial_id", "score")]
    best, measure = trials[0], OBJECTIVE.replace("val_", "validation ")
    tried = "1 trial" if len(trials) == 1 else f"{len(trials)} trials"
    return [
        Words(
            f"{tried} of {material.settings['tune']['epochs']} epochs each; the first has the settings' own values. "
            f"The best one, trial {int(best['trial_id']) + 1}, gave both trainers its values."
        ),
        Pictures([trials_picture(trials, measure, "Lower is better. The study has no search.")]),
        Table(
            "Trials, best first",
            ["trial", measure, *names],
            [
                [
                    str(int(trial["trial_id"]) + 1),
                    number(trial["score"], 4),
                    *(_value(trial.get(name)) for name in names),
                ]
                for trial in trials
            ],
        ),
    ]


def _value(value: Any) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:.4g}" if isinstance(value, float) else str(value)
