"""Whether the model is as right as it says, what noise costs, and what it gains by answering only where it is sure."""

from __future__ import annotations

from components.report.content import Block, Pictures, Table, Words
from components.report.material import RunMaterial
from components.report.pictures.curves import coverage_picture, noise_picture, reliability_picture
from components.report.study import CLEAN_TRAINED_NOISY, NOISE_SD
from components.report.wording import between, between_percent, count, number, percent

COVERAGES = (0.5, 0.8, 0.9, 0.95, 0.99, 1.0)
"""Shares of answered beats that the table shows."""


def noise(material: RunMaterial) -> list[Block]:
    """Draw accuracy against the noise's level."""
    levels = material.judgement["noise_levels"]
    return [
        Words(
            "Gaussian noise on every sample, padding included, drawn for each beat from its own content. "
            f"The study's level is sd {NOISE_SD:g}. It says that its clean-trained model reaches "
            f"{percent(CLEAN_TRAINED_NOISY.study.accuracy)} there, on its noisy training set; its replica reaches "
            f"{percent(CLEAN_TRAINED_NOISY.replica.accuracy)} on noisy test beats of Kaggle's."
        ),
        Pictures([noise_picture(levels, NOISE_SD, "The fine-tuned model, one draw of noise a level; bars: 95 %.")]),
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


def calibration(material: RunMaterial) -> list[Block]:
    """Draw the reliability of stated probabilities, and say whether chance explains what is off."""
    told, certainty = material.judgement["calibration"], material.judgement["certainty"]
    words, pictures = list[Block](), []
    for kind, of in told.items():
        low, high = of["band"]
        verdict = (
            "within what a perfectly calibrated model shows by chance"
            if low <= of["ece"] <= high
            else ("more than chance explains" if of["ece"] > high else "less than chance would show")
        )
        sentence = (
            f"On {kind} beats the expected calibration error (ECE) is {of['ece']:.4f}: {verdict} "
            f"({low:.4f} to {high:.4f}, 5 to 95 %). Without the temperature of {certainty['temperature']:.3f}, which "
            f"was learnt on validation beats and is served, it would be {certainty[kind]['before']['ece']:.4f}."
        )
        words.append(Words(sentence, "plain" if of["ece"] <= high else "warn"))
        pictures.append(
            reliability_picture(
                of, f"Reliability on {kind} beats", f"ECE {of['ece']:.4f}; by chance {low:.4f} to {high:.4f}."
            )
        )
    return [*words, Pictures(pictures)]


def coverage(material: RunMaterial) -> list[Block]:
    """Draw accuracy against the share of beats that are answered."""
    told, rows = material.judgement["coverage"], material.judgement["rows"]
    table = []
    for wanted in COVERAGES:
        row = [f"{100 * wanted:g} %"]
        for points in told.values():
            point = next(point for point in points if point["coverage"] >= wanted - 1e-9)
            row += [percent(point["accuracy"]), number(point["confidence"])]
        table.append(row)
    head = [title for kind in told for title in (f"accuracy, {kind}", f"least confidence, {kind}")]
    return [
        Words(
            f"If only those of the {count(rows)} test beats are answered that the model is surest of, and the others "
            "are left to a person:"
        ),
        Pictures([coverage_picture(told, "The fine-tuned model; the study has no such curve.")]),
        Table("Accuracy by share of beats answered", ["answered", *head], table),
        *_decisions(material),
    ]


def _decisions(material: RunMaterial) -> list[Block]:
    """What the model makes of its certainty by itself, and what finding all classes alike would cost."""
    certainty = material.judgement["certainty"]
    rows = []
    for kind in ("clean", "noisy"):
        told = certainty[kind]
        right = "none answered" if told["kept_accuracy"] is None else percent(told["kept_accuracy"])
        alike = [f"{told['shift']:g}", percent(told["shifted_accuracy"]), number(told["shifted_mean_recall"])]
        rows.append([kind, percent(told["kept"]), right, *alike])
    return [
        Words(
            f"The model itself abstains where its largest probability is below {certainty['threshold']:.3f}: there it "
            "could not be shown on clean validation beats to be as right as asked (`finetune.abstain_accuracy`). "
            "Dividing its probabilities by a power of the classes' shares, which is not served, finds rare classes "
            "more often and calls more normal beats abnormal; the power was chosen on validation beats."
        ),
        Table(
            "The model's own threshold, and the classes found alike, on test beats",
            ["beats", "answered", "accuracy of those", "power", "accuracy with it", "mean recall with it"],
            rows,
        ),
    ]
