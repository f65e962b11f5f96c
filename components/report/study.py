"""What the study that this project grew from reports about its models, and what a replica of it measured.

The study: 16,000 beats a class (80,000 in all), a network of 223,429 parameters, 12 epochs; noise of sd 0.05; transfer
with the body frozen, then fine-tuning. It validates and keeps its best epoch on its test set, and its confusion
matrices carry class names in the wrong order; neither is done here. The replica is the profile `study`, trained on
Kaggle's train rows and measured on Kaggle's test rows (docs/lab/experiments.md): the clean-trained model on clean
beats is the mean of three trainings, all else is one training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Figures:
    """Figures of one model on one kind of test beats; None if not known."""

    accuracy: float | None = None
    loss: float | None = None  # mean cross-entropy, natural logarithm
    macro_f1: float | None = None  # mean F1 of the five classes


@dataclass(frozen=True)
class StudyRow:
    """One row of the comparison: a model on `clean` or `noisy` beats."""

    title: str
    model: str | None  # its key in the run's metrics; None is the candidate
    beats: str
    study: Figures
    replica: Figures
    remark: str = ""  # what the study's figure is of, if not of test beats


ACCURACY: Final = 0.9667
"""Of the study's clean-trained model on clean test beats."""

ROWS: Final = (
    StudyRow("clean-trained, clean beats", "trainer", "clean", Figures(ACCURACY, 0.134), Figures(0.9745, None, 0.883)),
    StudyRow(
        "clean-trained, noisy beats",
        "trainer",
        "noisy",
        Figures(0.763, 1.32),
        Figures(0.8893, 0.698, 0.571),
        "of its noisy balanced training set, not of test beats",
    ),
    StudyRow("transferred (body frozen), clean beats", "frozen", "clean", Figures(), Figures(0.9385, 0.368, 0.810)),
    StudyRow("transferred (body frozen), noisy beats", "frozen", "noisy", Figures(), Figures(0.8871, 0.353, 0.681)),
    StudyRow("fine-tuned, clean beats", None, "clean", Figures(), Figures(0.9705, None, 0.877)),
    StudyRow("fine-tuned, noisy beats", None, "noisy", Figures(), Figures(0.9627, None, 0.839)),
)

CLEAN_TRAINED_NOISY: Final = ROWS[1]
"""What noise does to the study's clean-trained model."""

PARAMETERS: Final = 223_429
"""Of the study's network."""

EPOCHS: Final = 12
BALANCED: Final = 16_000
"""Beats of each class that the study trained on."""

NOISE_SD: Final = 0.05
"""Of the study's noise, in units of the samples."""
