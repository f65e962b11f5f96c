"""Calibration of the stated probabilities, accuracy when only the surest beats are answered, and the cost of noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.evaluate.intervals import wilson
from components.report.content import Block, Picture, Pictures, Table, Words
from components.report.drawing import CURVE_STYLES, INK, MAIN, new_figure, picture
from components.report.material import RunMaterial
from components.report.study import CLEAN_TRAINED_NOISY, NOISE_SD
from components.report.wording import between, between_percent, count, number, percent

COVERAGES: Final = (0.5, 0.8, 0.9, 0.95, 0.99, 1.0)
"""Shares of answered beats that the table shows."""

MEASURES: Final = (("accuracy", "accuracy"), ("macro_f1", "macro-F1"))
"""Key and name of what is drawn against the noise."""


def calibration(material: RunMaterial) -> list[Block]:
    """Draw the reliability of stated probabilities, and say whether chance explains the calibration error."""
    judgement = material.judgement
    certainty = judgement["certainty"]
    words, pictures = list[Block](), []
    for kind, measured in judgement["calibration"].items():
        ece, (low, high) = measured["ece"], measured["band"]
        verdict = (
            "more than chance explains"
            if ece > high
            else "less than chance would show"
            if ece < low
            else "within what a perfectly calibrated model shows by chance"
        )
        sentence = (
            f"On {kind} beats the expected calibration error (ECE) is {ece:.4f}: {verdict} "
            f"({low:.4f} to {high:.4f}, 5 to 95 %). Without the temperature of {certainty['temperature']:.3f}, fitted "
            f"on validation beats and served, it would be {certainty[kind]['before']['ece']:.4f}."
        )
        words.append(Words(sentence, "warn" if ece > high else "plain"))
        caption = f"ECE {ece:.4f}; by chance {low:.4f} to {high:.4f}."
        pictures.append(reliability_picture(measured["bins"], f"Reliability on {kind} beats", caption))
    return [*words, Pictures(pictures)]


def reliability_picture(bins: Sequence[Mapping[str, Any]], title: str, caption: str) -> Picture:
    """Draw how often the model is right against how sure it says it is, and how many beats each bin has."""
    bins = [each for each in bins if each["count"]]
    with new_figure(3.9) as figure:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        upper.plot((0, 1), (0, 1), color=INK, linewidth=0.9, linestyle="-.", label="perfectly calibrated")
        right = [each["accuracy"] for each in bins]
        ends = [
            wilson(share * each["count"], each["count"]) or (share, share)
            for share, each in zip(right, bins, strict=True)
        ]
        errors = [[max(abs(share - end[side]), 0) for share, end in zip(right, ends, strict=True)] for side in (0, 1)]
        upper.errorbar([each["confidence"] for each in bins], right, errors, color=MAIN, marker="o", markersize=4,
                       elinewidth=1, capsize=2, label="this model, 95 % intervals")  # fmt: skip
        upper.set(title=title, ylabel="share correct", ylim=(-0.03, 1.03), xlim=(0, 1))
        upper.legend(loc="upper left")
        middles = [(each["low"] + each["high"]) / 2 for each in bins]
        widths = [each["high"] - each["low"] for each in bins]
        lower.bar(middles, [each["count"] for each in bins], widths, color=MAIN, alpha=0.7, log=True)
        lower.set(xlabel="confidence: probability of the predicted class", ylabel="beats (log)", ylim=(0.5, None))
    listed = "; ".join(f"{each['confidence']:.2f}: {each['accuracy']:.2f} of {each['count']:,}" for each in bins)
    return picture(figure, f"{title}. Confidence and share correct, by bin: {listed}.", caption)


def coverage(material: RunMaterial) -> list[Block]:
    """Draw accuracy against the share of beats that are answered."""
    curves, beats = material.judgement["coverage"], material.judgement["rows"]
    rows = []
    for share in COVERAGES:
        row = [f"{100 * share:g} %"]
        for points in curves.values():
            point = next(point for point in points if point["coverage"] >= share - 1e-9)
            row += [percent(point["accuracy"]), number(point["confidence"])]
        rows.append(row)
    head = [title for kind in curves for title in (f"accuracy, {kind}", f"least confidence, {kind}")]
    return [
        Words(
            f"Accuracy if the model answers only those of the {count(beats)} test beats that it is surest of, and "
            "leaves the others to a person:"
        ),
        Pictures([coverage_picture(curves)]),
        Table("Accuracy by share of beats answered", ["answered", *head], rows),
        *_abstention(material.judgement["certainty"]),
    ]


def _abstention(certainty: Mapping[str, Any]) -> list[Block]:
    """Tabulate what the served threshold keeps, and what class-balanced predictions, not served, would cost."""
    rows = []
    for kind in ("clean", "noisy"):
        measured = certainty[kind]
        kept_accuracy = measured["kept_accuracy"]
        rows.append(
            [
                kind,
                percent(measured["kept"]),
                "none answered" if kept_accuracy is None else percent(kept_accuracy),
                f"{measured['shift']:g}",
                percent(measured["shifted_accuracy"]),
                number(measured["shifted_mean_recall"]),
            ]
        )
    return [
        Words(
            f"The model itself abstains where its largest probability is below {certainty['threshold']:.3f}: there, "
            "clean validation beats do not show the required accuracy (`finetune.abstain_accuracy`). Class-balanced "
            "predictions, which are not served, divide its probabilities by a power of the classes' shares. They find "
            "rare classes more often, but call more normal beats abnormal; the power was chosen on validation beats."
        ),
        Table(
            "Abstention threshold and class-balanced predictions (test beats)",
            ["beats", "answered", "their accuracy", "power", "accuracy with it", "mean recall with it"],
            rows,
        ),
    ]


def coverage_picture(curves: Mapping[str, Sequence[Mapping[str, float]]]) -> Picture:
    """Draw the accuracy on the beats that are answered against their share, surest first."""
    with new_figure(3.2) as figure:
        axes = figure.subplots()
        for (kind, points), (colour, dash, _) in zip(curves.items(), CURVE_STYLES, strict=False):
            x, y = [point["coverage"] for point in points], [point["accuracy"] for point in points]
            axes.plot(x, y, color=colour, linestyle=dash, label=f"{kind} beats")
        axes.set(title="Accuracy when only the surest beats are answered", xlabel="share of beats answered",
                 ylabel="accuracy of the answers", xlim=(0, 1.01))  # fmt: skip
        figure.legend(loc="outside lower center", ncols=2)
    listed = "; ".join(f"{kind} {percent(points[-1]['accuracy'])} of all" for kind, points in curves.items())
    caption = "The fine-tuned model; the study has no such curve."
    return picture(figure, f"Accuracy against coverage: {listed}.", caption)


def noise(material: RunMaterial) -> list[Block]:
    """Draw accuracy against the noise's level."""
    levels = material.judgement["noise_levels"]
    return [
        Words(
            "Gaussian noise is added to every sample, padding included; a beat's own samples are its seed. "
            f"The study, with sd {NOISE_SD:g}, reports that its clean-trained model reaches "
            f"{percent(CLEAN_TRAINED_NOISY.study.accuracy)} on its noisy training set; its replica reaches "
            f"{percent(CLEAN_TRAINED_NOISY.replica.accuracy)} on Kaggle's noisy test beats."
        ),
        Pictures([noise_picture(levels, "The fine-tuned model, one draw of noise per level; bars: 95 % intervals.")]),
        Table(
            "The fine-tuned model by noise level",
            ["sd of the noise", "accuracy", "95 % interval", "macro-F1", "95 % interval", "loss"],
            [
                [
                    f"{level['sd']:g}", percent(level["accuracy"]), between_percent(level["intervals"]["accuracy"]),
                    number(level["macro_f1"]), between(level["intervals"]["macro_f1"]), number(level["loss"]),
                ]
                for level in levels
            ],
        ),
    ]  # fmt: skip


def noise_picture(levels: Sequence[Mapping[str, Any]], caption: str) -> Picture:
    """Draw accuracy and macro-F1 with their 95 % intervals against the noise's standard deviation."""
    sds = [level["sd"] for level in levels]
    with new_figure(3.2) as figure:
        axes = figure.subplots()
        for (key, label), (colour, dash, marker) in zip(MEASURES, CURVE_STYLES, strict=False):
            values = [level[key] for level in levels]
            ends = [level["intervals"][key] for level in levels]
            below = [max(value - low, 0) for value, (low, _) in zip(values, ends, strict=True)]
            above = [max(high - value, 0) for value, (_, high) in zip(values, ends, strict=True)]
            axes.errorbar(sds, values, (below, above), color=colour, linestyle=dash, marker=marker, markersize=4,
                          capsize=3, label=label)  # fmt: skip
        axes.axvline(NOISE_SD, color=INK, linewidth=0.8, linestyle="-.")
        axes.margins(y=0.16)
        axes.annotate("the study's noise", (NOISE_SD, 1), (3, -3), xycoords=("data", "axes fraction"),
                      textcoords="offset points", va="top", fontsize=8)  # fmt: skip
        axes.set(title="Test beats under noise", xlabel="sd of the noise, in units of the 0..1 samples")
        figure.legend(loc="outside lower center", ncols=2)
    listed = "; ".join(
        f"sd {level['sd']:g}: {percent(level['accuracy'])}, {number(level['macro_f1'])}" for level in levels
    )
    return picture(figure, f"Accuracy and macro-F1 by noise level. {listed}.", caption)
