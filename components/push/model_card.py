"""The model card: what a pushed model is for, how good it is, and what it must not be used for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.beats.beat import CLASS_NAMES, CLASSES, SAMPLE_RATE_HZ, SAMPLES

SPLITS = {
    "kaggle": "Train and test are Kaggle's own files: the beats of 47 patients of the MIT-BIH Arrhythmia Database, "
    "split by beat. Beats of one patient may be on both sides, so new patients are answered worse than it says here.",
    "patient": "Train and test were split by record: no record's beats are on both sides. (In MIT-BIH, records 201 and "
    "202 are one person; the usual DS1/DS2 split puts one of them on each side.)",
    "unknown": "How train and test were split is not known: beats of one patient may be on both sides, so new patients "
    "may be answered worse than it says here.",
}


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


def model_card(judgement: Mapping[str, Any], rows: Mapping[str, int], digest: str, verdict: list[str]) -> str:
    """Write the card in Markdown.

    Args:
        judgement: what `judgement.json` holds.
        rows: beats of each split.
        digest: of the model, 64 hex digits.
        verdict: the gate's sentences.
    """
    metrics, intervals = judgement["metrics"], judgement["intervals"]
    synthetic = "**SYNTHETIC: trained and tested on simulated beats. It knows nothing about real hearts.**"
    ece, band = judgement["calibration"]["clean"]["ece"], judgement["calibration"]["clean"]["band"]
    lines = [
        f"# ECG heartbeat classifier {digest[:12]}",
        "",
        *([synthetic, ""] if judgement["synthetic"] else []),
        f"Tells the AAMI class ({', '.join(CLASSES)}) of one heartbeat from {SAMPLES} samples of one ECG lead at "
        f"{SAMPLE_RATE_HZ} Hz, min-max scaled to 0..1 and zero-padded on the right.",
        "",
        "## Use",
        "",
        "For research and teaching on recorded beats that were cut and scaled as the training beats were.",
        "",
        "**Not a medical device.** Not for diagnosis, monitoring or any decision about a person. Not for other leads, "
        "sampling rates, beat cuttings or patients unlike those it learnt from without being tested on them first.",
        "",
        "## Data",
        "",
        f"{rows['train']:,} beats trained on, {rows['eval']:,} to watch training, {rows['test']:,} to test.",
        "The beats are simulated." if judgement["synthetic"] else SPLITS[judgement["split"]],
        "",
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
        f"Expected calibration error {ece:.4f}; by chance a perfectly calibrated model shows "
        f"{band[0]:.4f}-{band[1]:.4f}.",
        "",
        "## Verdict of the gate",
        "",
        *(f"- {sentence}" for sentence in verdict),
        "",
    ]
    return "\n".join(lines)
