"""What the beats are: tables, counts and shares as they came and balanced, a sample of each class."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, SAMPLE_RATE_HZ, SAMPLES
from components.beats.kaggle import TRAIN_COUNTS
from components.report.content import Block, Heading, Pictures, Table, Words
from components.report.made import NotReachedError
from components.report.material import RunMaterial
from components.report.normalisation import read_normalisation
from components.report.pictures.beats import middles_picture, samples_picture
from components.report.pictures.classes import counts_picture, shares_picture
from components.report.study import BALANCED
from components.report.wording import SPLIT_WORDS, UNKNOWN, class_title, count, percent
from components.train.input import choose_rows

Change = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
"""What is done to samples before they are shown."""

AS_THEY_CAME = "As they came. Kaggle's train file, from which the study starts"

SHOWN = (0, 1, 2, 3, 20, 60, 120, SAMPLES - 1)
"""Samples that the tables show."""


def beats(material: RunMaterial) -> list[Block]:
    """Draw a sample beat and the middle of each class."""
    kept = material.train.kept
    return [
        Words(
            f"A beat is {SAMPLES} samples at {SAMPLE_RATE_HZ} Hz from one annotated beat to a little past the next, "
            "scaled 0 to 1, with zeros after its end. (The data set's page says 125 Hz; the records' 360 Hz with every "
            "third sample taken are 120.)"
        ),
        Pictures(
            [
                samples_picture(kept, "The first train beat of each class, as in the study, its time axis in ms."),
                middles_picture(
                    kept, f"Median and middle 80 % of the first {max(map(len, kept))} train beats a class."
                ),
            ]
        ),
    ]


def data(material: RunMaterial) -> list[Block]:
    """Tabulate and draw the classes, as they came and balanced."""
    classes = material.ingest.classes
    train = classes["train"]
    kaggles = [percent(_share(TRAIN_COUNTS, index)) for index in range(len(CLASSES))]
    blocks: list[Block] = [
        Words(f"{SPLIT_WORDS[material.ingest.split].capitalize()}. Validation (eval) is cut from the train file."),
        Table(
            "Beats of each class; beside them Kaggle's train file and the study's balanced training set",
            ["class", "train", "share", "eval", "test", "share", "Kaggle train", "study"],
            [
                [
                    class_title(index), count(train[index]), percent(_share(train, index)),
                    count(classes["eval"][index]), count(classes["test"][index]),
                    percent(_share(classes["test"], index)), count(TRAIN_COUNTS[index]), count(BALANCED),
                ]
                for index in range(len(CLASSES))
            ]
            + [
                [
                    "all", count(sum(train)), "", count(sum(classes["eval"])), count(sum(classes["test"])), "",
                    count(sum(TRAIN_COUNTS)), count(BALANCED * len(CLASSES)),
                ]
            ],
        ),
        Pictures(
            [
                counts_picture(train, "Train beats of each class", f"{AS_THEY_CAME}: {_listed(TRAIN_COUNTS)}."),
                shares_picture(train, "Class shares of the train beats", f"{AS_THEY_CAME}: {_listed(kaggles)}."),
            ]
        ),
        _table("Training data: the first train beat of each class", material, lambda signal: signal),
    ]  # fmt: skip
    return [*blocks, *_normalised(material), *_balanced(material)]


def _normalised(material: RunMaterial) -> list[Block]:
    try:
        normalise = read_normalisation(f"{material.place('Transform', 'transformed_examples')}/Split-train")
    except NotReachedError:
        return [Words("The table after normalising is not there: the run ended before Transform was done.")]
    told = f"(sample − {normalise.mean:.4f}) / {normalise.deviation:.4f}, learnt on the train split alone"
    return [_table(f"The same beats after normalising: {told}", material, normalise.of)]


def _balanced(material: RunMaterial) -> list[Block]:
    used = str(material.settings["train"]["policy"])
    policy = used if used != "natural" else f"balanced:{BALANCED}"
    each = int(policy.removeprefix("balanced:"))
    head = Heading("Balanced")
    why = (
        f"The policy of this run is {used}: it trains on these."
        if used != "natural"
        else f"NOT USED in this run, whose policy is natural: this is what {policy}, the study's, would give. Drawing "
        "rare beats again and again moves the operating point; it costs accuracy and macro-F1."
    )
    label = material.train.label
    missing = [CLASSES[index] for index in range(len(CLASSES)) if not (label == index).any()]
    if missing:
        return [
            head,
            Words(f"{why} There is no train beat of class {', '.join(missing)}, so it cannot be had.", "warn"),
        ]
    rows = choose_rows(label, policy, 1.0, np.random.default_rng(material.settings["train"]["seed"]))
    counts = np.bincount(label[rows], minlength=len(CLASSES)).tolist()
    mark = "balanced" if used != "natural" else "balanced, not used"
    return [
        head,
        Words(why),
        Pictures(
            [
                counts_picture(counts, f"Train beats of each class, {mark}", f"Of an epoch; the study: {each:,} each."),
                shares_picture(counts, f"Class shares, {mark}", "Of an epoch; the study: 20 % each."),
            ]
        ),
        _drawn(material, rows, f"Training data, {mark}: the first beats again, and how often an epoch draws each"),
    ]


def _drawn(material: RunMaterial, rows: npt.NDArray[np.int64], caption: str) -> Table:
    kept, at = material.train.kept, material.train.row
    return Table(
        caption,
        ["class", "row", "drawn", *(f"sample {sample}" for sample in SHOWN)],
        [
            [CLASSES[index], count(int(at[index][0])), f"{int((rows == at[index][0]).sum())} times"]
            + [f"{value:.3f}" for value in beats.signal[0][list(SHOWN)]]
            for index, beats in enumerate(kept)
        ],
        wide=True,
    )


def _table(caption: str, material: RunMaterial, change: Change) -> Table:
    survey = material.train
    return Table(
        caption,
        ["class", "row", "record", *(f"sample {sample}" for sample in SHOWN)],
        [
            [CLASSES[index], count(int(survey.row[index][0])), of.record[0] if of.record else UNKNOWN]
            + [f"{value:.3f}" for value in change(of.signal[0])[list(SHOWN)]]
            for index, of in enumerate(survey.kept)
            if len(of)
        ],
        wide=True,
    )


def _listed(values: Sequence[int | str]) -> str:
    told = (value if isinstance(value, str) else count(value) for value in values)
    return ", ".join(f"{symbol} {value}" for symbol, value in zip(CLASSES, told, strict=True))


def _share(counts: Sequence[int], index: int) -> float | None:
    return counts[index] / sum(counts) if sum(counts) else None
