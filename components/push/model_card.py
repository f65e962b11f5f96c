"""The model card: what a pushed model is for, how good it is, and what it must not be used for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.beat import CLASS_NAMES, CLASSES, SAMPLE_RATE_HZ, SAMPLES, ContextForm
from components.errors import counted
from components.verdict import SYNTHETIC, Verdict, data_caveats

SPLITS = {
    "kaggle": "Train and test are Kaggle's own files: the beats of 47 patients of the MIT-BIH Arrhythmia Database, "
    "split by beat.",
    "patient": "Train and test were split by record: no record's beats are on both sides. (In MIT-BIH, records 201 and "
    "202 are one person; the usual DS1/DS2 split puts one of them on each side.)",
    "unknown": "How train and test were split is not known.",
}


def _data_line(split: str, synthetic: bool) -> str:
    """Say what the beats are, with the warning about patients on both sides where it applies."""
    if synthetic:
        return "The beats are simulated."
    return " ".join([SPLITS[split], *(caveat.sentence for caveat in data_caveats(split, synthetic))])


def _share(value: float | None, interval: Any) -> str:
    if value is None:
        return "none in the test"
    return f"{value:.3f}" + (f" ({interval[0]:.3f}-{interval[1]:.3f})" if interval else "")


def _class_rows(metrics: Mapping[str, Any], f1: Any, intervals: Mapping[str, Any]) -> list[str]:
    rows = ["| class | test beats | recall | precision | F1 |", "|---|---|---|---|---|"]
    for index, (symbol, name) in enumerate(zip(CLASSES, CLASS_NAMES, strict=True)):
        cells = [
            _share(value[index], intervals[key][index])
            for key, value in (("recall", metrics["recall"]), ("precision", metrics["precision"]), ("f1", f1))
        ]
        rows.append(f"| {symbol} ({name}) | {sum(metrics['confusion'][index])} | {' | '.join(cells)} |")
    return rows


def _record_lines(judgement: Mapping[str, Any]) -> list[str]:
    """Say how good the model is on people it never saw, where the test beats are of such."""
    judged = judgement.get("by_record")
    if judged is None:
        return []
    lines = [
        f"## People it never saw ({len(judged['records'])} records; in brackets 95 % intervals over records)",
        "",
        "| clean test beats | accuracy | mean F1 of N, S, V | S recall / precision | V recall / precision |",
        "|---|---|---|---|---|",
    ]
    for title, figures in (("model", judged["model"]), ("every beat called N", judged["all_n"])):
        intervals = figures["intervals"]
        cells = [_share(figures[name], intervals[name]) for name in ("accuracy", "named_f1")]
        cells += [
            " / ".join(_share(figures[name][index], intervals[name][index]) for name in ("recall", "precision"))
            for index in (1, 2)
        ]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return [*lines, ""]


NO_TEST: Final = (
    "There is no test split: the model learnt from all of these records. Every figure below is of the same recipe, "
    "trained without the records of DS2 and judged on them."
)


def _records_learnt(judgement: Mapping[str, Any]) -> list[str]:
    """Say which records a model without a test split learnt from."""
    learnt: Sequence[str] = judgement.get("learnt_from", ())
    return [NO_TEST, "", f"{len(learnt)} records: {', '.join(learnt)}."] if learnt else []


SAMPLES_USE: Final = """For research and teaching on recorded beats that were cut and scaled as the training beats were.

**Not a medical device.** Not for diagnosis, monitoring or any decision about a person. Not for other leads, \
sampling rates, beat cuttings or patients unlike those it learnt from without being tested on them first."""

CONTEXT_USE: Final = """For research and teaching on recordings of an ECG lead, at any rate from 100 Hz on, of any \
unit and polarity.

**Not a medical device.** Not for diagnosis, monitoring or any decision about a person.

- It reads one lead. Where ectopic and normal beats look alike in that lead, it does not tell them apart.
- Paced rhythms are not solved: it has learnt from none, and calls most of their beats normal, without a warning.
- Fusion (F) is not solved: nearly all that it learnt from are of a few people. Q has too few beats to be learnt.
- In atrial fibrillation normal beats come early by chance, and some of them are called S. S says little there.
- S that comes at about the normal rate, and long tachycardias, are found in some people and missed in others; \
annotators do not agree on them either."""


def _reads_lines(context: ContextForm | None) -> list[str]:
    """Say what the model reads of a beat's context, if it does."""
    if context is None:
        return []
    return [
        f"It reads the context of the beat in its recording, {context}, in place of the samples: "
        f"{', '.join(context.names)}. It answers recordings, and beats that `heartbeat prepare` wrote with context.",
        "",
    ]


def _certainty_lines(judgement: Mapping[str, Any]) -> list[str]:
    """Say how well the probabilities are calibrated, and when the model abstains."""
    certainty = judgement["certainty"]
    lines = [
        f"Logits are divided by a temperature of {certainty['temperature']:.3f}, and the model abstains where its "
        f"largest probability is below {certainty['threshold']:.3f}; both were learnt on validation beats.",
        "",
    ]
    for kind in ("clean", "noisy"):
        calibration, of_kind = judgement["calibration"][kind], certainty[kind]
        (low, high), kept_accuracy = calibration["band"], of_kind["kept_accuracy"]
        answered = (
            "none" if kept_accuracy is None else f"{of_kind['kept']:.2%}, with an accuracy of {kept_accuracy:.2%}"
        )
        lines.append(
            f"- {kind} beats: expected calibration error {calibration['ece']:.4f} ({of_kind['before']['ece']:.4f} "
            f"before the temperature; by chance a perfectly calibrated model shows {low:.4f}-{high:.4f}); "
            f"answered: {answered}; class-balanced (probabilities divided by the {of_kind['shift']:g}th power of the "
            f"classes' shares): accuracy {of_kind['shifted_accuracy']:.2%}, mean recall "
            f"{of_kind['shifted_mean_recall']:.3f}."
        )
    return lines


def _precision_lines(precisions: Mapping[str, Any]) -> list[str]:
    """Say what computing with fewer bits changes, and in which precisions the model is released."""
    if not precisions:
        return []
    lines = [
        "## In fewer bits (clean / noisy beats)",
        "",
        "| computed in | beats | answers that change | accuracy | macro-F1 | abstains | calibration error |",
        "|---|---|---|---|---|---|---|",
    ]
    measured = {precision: each for precision, each in precisions.items() if "eval" in each}
    for split, words in (("eval", "validation"), ("test", "test")) if measured else ():
        rows = [(precision, "own", each[split]) for precision, each in measured.items()]
        for precision, key, of in [("float32", "float32", rows[0][2]), *rows]:
            clean, noisy = of["clean"], of["noisy"]
            changed = f"{clean['changed']} / {noisy['changed']}" if key == "own" else ""
            figures = [
                f"{clean[key][name]:{form}} / {noisy[key][name]:{form}}"
                for name, form in (("accuracy", ".3%"), ("macro_f1", ".4f"), ("abstained", ".2%"), ("ece", ".4f"))
            ]
            lines.append(f"| {precision} | {clean['beats']:,} {words} | {changed} | {' | '.join(figures)} |")
    released = [f"- {precision}: {each['refused'] or 'released.'}" for precision, each in precisions.items()]
    return [*lines, "", *released, ""]


def _refit(settings: Mapping[str, Any]) -> str:
    """Say what became of the validation beats in the end."""
    epochs = settings.get("finetune", {}).get("refit_epochs", 0)
    return (
        f" (and trained on in the last {counted(epochs, 'epoch')}, when all was learnt that is learnt from them)"
        if epochs
        else ""
    )


def _origin_lines(digests: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """Say what the model was made from, by digest, and with which settings."""
    made_with = {group: settings[group] for group in ("data", "transform", "train", "finetune") if group in settings}
    return [
        "| what | SHA-256 |",
        "|---|---|",
        *(f"| {split} file | `{digest}` |" for split, digest in digests["data"].items()),
        f"| code | `{digests['code']}` |",
        f"| settings | `{digests['settings']}` |",
        f"| model | `{digests['model']}` |",
        "",
        f"Profile `{settings.get('profile')}`. What decided the model (a Tuner may have replaced learning rate, weight "
        "decay and dropout; what it chose is in the run's report):",
        "",
        "```json",
        json.dumps(made_with, indent=1),
        "```",
    ]


def model_card(
    judgement: Mapping[str, Any],
    rows: Mapping[str, int],
    digests: Mapping[str, Any],
    settings: Mapping[str, Any],
    verdict: Sequence[Verdict],
    context: ContextForm | None = None,
    precisions: Mapping[str, Any] = {},
) -> str:
    """Write the card in Markdown.

    Args:
        judgement: what `judgement.json` holds.
        rows: beats of each split.
        digests: `model`, `code`, `settings`, 64 hex digits each, and `data`, one for each split's file.
        settings: of the run.
        verdict: the gate's.
        context: what the model reads of a beat's context; None for one that reads its samples.
        precisions: what `precisions.json` holds; empty where none was measured.
    """
    metrics, intervals = judgement["metrics"], judgement["intervals"]
    lines = [
        f"# ECG heartbeat classifier {digests['model'][:12]}",
        "",
        *([f"**{SYNTHETIC.sentence}**", ""] if judgement["synthetic"] else []),
        f"Tells the AAMI class ({', '.join(CLASSES)}) of one heartbeat from {SAMPLES} samples of one ECG lead at "
        f"{SAMPLE_RATE_HZ} Hz, min-max scaled to 0..1 and zero-padded on the right.",
        "",
        *_reads_lines(context),
        "## Use",
        "",
        SAMPLES_USE if context is None else CONTEXT_USE,
        "",
        "## Data",
        "",
        f"{rows['train']:,} beats trained on, {rows['eval']:,} to watch training{_refit(settings)}, "
        f"{rows['test']:,} to test.",
        *(_records_learnt(judgement) or [_data_line(judgement["split"], judgement["synthetic"])]),
        "",
        *_record_lines(judgement),
        "## How good it is (test beats; in brackets 95 % intervals over beats, not over patients)",
        "",
        "| test beats | accuracy | macro-F1 | loss |",
        "|---|---|---|---|",
        *(
            f"| {words} | {_share(metrics[kind]['accuracy'], intervals[kind]['accuracy'])} "
            f"| {_share(metrics[kind]['macro_f1'], intervals[kind]['macro_f1'])} | {metrics[kind]['loss']:.4f} |"
            for kind, words in (
                ("clean", "clean"),
                ("noisy", f"with noise of sd {judgement['settings']['noise_sd']:g}"),
            )
        ),
        "",
        *_class_rows(metrics["clean"], judgement["f1"]["clean"], intervals["clean"]),
        "",
        "## How sure it may be",
        "",
        *_certainty_lines(judgement),
        "",
        *_precision_lines(precisions),
        "## Verdict of the gate",
        "",
        *(f"- {each.sentence}" for each in verdict),
        "",
        "## Made from",
        "",
        *_origin_lines(digests, settings),
        "",
    ]
    return "\n".join(lines)
