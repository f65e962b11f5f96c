"""Settings of the evaluation: noise draws and resamples, and the thresholds for a push."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator, model_validator

from components.ingest.split import SplitKind
from components.settings import Settings


class EvaluateSettings(Settings):
    """Noise draws and resamples for measuring a model."""

    draws: tuple[int, ...] = Field(
        default=(1, 2, 3, 4, 5),
        min_length=1,
        description="noise draws whose predictions are pooled; training may have seen 0. The noise-level curve and the "
        "comparison of models use the first one only",
    )
    noise_sd: float = Field(
        default=0.05, gt=0, description="noise sd of the noisy metrics, on the 0..1 signal; as in the study"
    )
    noise_levels: tuple[float, ...] = Field(
        default=(0.0, 0.025, 0.05, 0.1),
        description="noise sds of the noise-level curve, on the 0..1 signal, one draw each",
    )
    resamples: int = Field(
        default=2000, ge=100, description="bootstrap resamples; 2000 fix the ends of a 95 % interval to 1 %"
    )
    seed: int = Field(default=20, ge=0, description="seed of every bootstrap, so that a verdict can be reproduced")

    @field_validator("draws")
    @classmethod
    def _once_each(cls, draws: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(draws)) < len(draws) or min(draws) < 0:
            raise ValueError("draws are numbers from 0 on, each once")
        return draws


class Recalls(Settings):
    """The least recall required of each class on clean beats, a share; named by class symbol."""

    N: float = Field(default=0.0, ge=0, le=1, description="least recall of normal beats")
    S: float = Field(default=0.0, ge=0, le=1, description="least recall of supraventricular ectopic beats")
    V: float = Field(default=0.0, ge=0, le=1, description="least recall of ventricular ectopic beats")
    F: float = Field(default=0.0, ge=0, le=1, description="least recall of fusion beats")
    Q: float = Field(default=0.0, ge=0, le=1, description="least recall of paced or unclassifiable beats")


class Thresholds(Settings):
    """What a model must reach, as shares; noisy is sd 0.05, all draws pooled."""

    clean_accuracy: float = Field(ge=0, le=1, description="least accuracy on clean test beats")
    clean_macro_f1: float = Field(ge=0, le=1, description="least macro-F1 on clean test beats")
    noisy_accuracy: float = Field(ge=0, le=1, description="least accuracy on noisy test beats")
    noisy_macro_f1: float = Field(ge=0, le=1, description="least macro-F1 on noisy test beats")
    recall: Recalls = Field(default=Recalls(), description="least recall of each class on clean test beats")


KAGGLE = Thresholds(
    clean_accuracy=0.985,
    clean_macro_f1=0.915,
    noisy_accuracy=0.978,
    noisy_macro_f1=0.885,
    recall=Recalls(N=0.99, S=0.74, V=0.935, F=0.62, Q=0.975),
)
"""The profile's first seeds reach .987-.989 / .926-.930 clean, .985 / .911-.913 noisy, and recalls of .997 .83-.85 .96
.75-.77 .99 (docs/results.md). The floors lie lower by more than seeds and chance vary: half a 95 % interval is .0014 of
accuracy, .012 of macro-F1, .03 of the recall of S and .065 of F's."""

PATIENT = Thresholds(
    clean_accuracy=0.90,
    clean_macro_f1=0.40,
    noisy_accuracy=0.90,
    noisy_macro_f1=0.40,
    recall=Recalls(N=0.95, S=0.40, V=0.50),
)
"""For new people, fixed by cross-validation over people and not on DS2. The hardest of five folds, where V has the
shape of S in some recordings, reaches .93 accuracy, .47 macro-F1, and recalls of .98 N, .68 S, .58 V; all five together
.956 accuracy and recalls of .71 S and .88 V (docs/results.md). F and Q are too rare for a floor. A network that reads
each beat alone has .82-.88 accuracy and finds .04-.16 of S on DS2: it is refused, rightly."""

UNKNOWN = Thresholds(
    clean_accuracy=0.75,
    clean_macro_f1=0.26,
    noisy_accuracy=0.72,
    noisy_macro_f1=0.25,
    recall=Recalls(N=0.78),
)
"""Nothing is known about such data, so only what a network reading single beats reaches on new people is required."""

SYNTHETIC = Thresholds(
    clean_accuracy=0.85,
    clean_macro_f1=0.60,
    noisy_accuracy=0.80,
    noisy_macro_f1=0.50,
    recall=Recalls(N=0.80, S=0.10, V=0.30, F=0.10, Q=0.50),
)
"""Below the .91 / .75 clean and .91 / .73 noisy that the demo profile reached from two seeds, with recalls of S
.37-.48, V .58-.66, F .28-.40, Q 1: shows that the machinery works and no class was lost, nothing about real hearts."""


class GateSettings(Settings):
    """What a model must reach, by kind of test beats."""

    kaggle: Thresholds = Field(default=KAGGLE, description="Kaggle's own test rows; patients may be on both sides")
    patient: Thresholds = Field(default=PATIENT, description="test patients whose beats were never trained on")
    unknown: Thresholds = Field(default=UNKNOWN, description="test rows of unknown origin")
    synthetic: Thresholds = Field(default=SYNTHETIC, description="simulated beats, whatever their split")

    @model_validator(mode="before")
    @classmethod
    def _over_defaults(cls, values: Any) -> Any:
        """Let one threshold be set alone: the others keep the default for their data."""
        if not isinstance(values, Mapping):
            return values
        return _merged({name: field.default.model_dump() for name, field in cls.model_fields.items()}, values)

    def for_data(self, split: SplitKind, synthetic: bool) -> Thresholds:
        """Return the thresholds that apply to test beats of this split."""
        thresholds: Thresholds = getattr(self, "synthetic" if synthetic else split)
        return thresholds


def _merged(default: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Put values into the default, group by group."""
    merged = dict(default)
    for name, value in values.items():
        both_groups = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
        merged[name] = _merged(merged[name], value) if both_groups else value
    return merged
