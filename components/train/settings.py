"""Settings of networks, tuning, training and fine-tuning, and how the Tuner's values replace some of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import Field, model_validator

from components.settings import Settings

FAST: Final[Mapping[str, Any]] = {"towers": 1, "stem_filters": 16, "stem_stride": 4, "block_filters": (24, 32, 48)}
"""Default sizes of the network `fast`."""


class NetworkSettings(Settings):
    """Which network learns, and how large it is; the name alone is enough: `train.network=study`."""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        named = {"name": value} if isinstance(value, str) else value
        return {**FAST, **named} if isinstance(named, Mapping) and named.get("name") == "fast" else named

    name: Literal["residual", "fast", "study", "context"] = Field(
        default="residual",
        description="residual: strided residual blocks; fast: the same with other sizes, many times as "
        "fast; study: the study's layers, which fix all sizes; context: dense layers that read the context of a beat "
        "instead of its samples, and need data.context",
    )
    towers: int = Field(
        default=2,
        ge=1,
        description="networks side by side, each trained on its own loss, with their mean as output",
    )
    stem_filters: int = Field(default=24, ge=1, description="channels after the first convolution")
    stem_kernel: int = Field(default=9, ge=1, description="kernel of the first convolution, in samples; 9 are 75 ms")
    stem_stride: int = Field(
        default=4,
        ge=1,
        description="stride of the first convolution, in samples; a larger one costs less",
    )
    block_filters: tuple[int, ...] = Field(
        default=(32, 48, 64, 64),
        min_length=1,
        description="channels of each residual block; each halves the time steps",
    )
    block_kernel: int = Field(default=5, ge=1, description="kernel of a block's convolutions, in time steps")
    context_units: tuple[int, ...] = Field(
        default=(64,), min_length=1, description="units of the dense layers of `context` before the head"
    )
    context_noise: float = Field(
        default=0.15,
        ge=0,
        description="sd of the noise on the context while training, in its standard deviations over the train beats",
    )
    context_dropout: float = Field(
        default=0.1, ge=0, lt=1, description="share of the context's numbers dropped while training"
    )
    head_units: int = Field(default=64, ge=1, description="units of the dense layer before the classes")
    dropout: float = Field(default=0.3, ge=0, lt=1, description="share of the head's units dropped while training")

    @property
    def reads_context(self) -> bool:
        """Whether it reads the context of a beat instead of its samples."""
        return self.name == "context"


class ClassWeight(Settings):
    """How much more rare classes count: a beat's weight is (beats of N / beats of its class) to a power."""

    S: float = Field(
        default=0.0, ge=0, le=1, description="power for supraventricular ectopic beats; 0: weighted like N"
    )
    V: float = Field(default=0.0, ge=0, le=1, description="power for ventricular ectopic beats")
    F: float = Field(default=0.0, ge=0, le=1, description="power for fusion beats")
    Q: float = Field(default=0.0, ge=0, le=1, description="power for paced or unclassifiable beats")

    @property
    def powers(self) -> tuple[float, ...]:
        """The power of each class, N's being 0."""
        return 0.0, self.S, self.V, self.F, self.Q


NOT_WEIGHTED: Final = ClassWeight()
"""All beats count alike."""


class TrainSettings(Settings):
    """How the first model is trained, on beats without noise."""

    network: NetworkSettings = Field(default=NetworkSettings(), description="which network learns")
    policy: str = Field(
        default="natural",
        pattern=r"^(natural|balanced:[1-9]\d*)$",
        description="natural: every train beat once per epoch; balanced:N: N beats per class, by downsampling and "
        "oversampling (the study: balanced:16000). Natural is more accurate",
    )
    epochs: int = Field(default=12, ge=1, description="epochs over the train beats")
    batch: int = Field(default=128, ge=1, description="beats per step")
    learning_rate: float = Field(default=2e-3, gt=0, description="AdamW's peak learning rate")
    schedule: Literal["cosine", "constant"] = Field(
        default="cosine", description="cosine: the rate decays to 0 at the end; constant: as in the study"
    )
    weight_decay: float = Field(default=0.01, ge=0, description="AdamW's decay per step, in units of the rate")
    average_epochs: float = Field(
        default=0.8,
        ge=0,
        description="time constant, in epochs, of the running average of the weights that becomes the model; 0: none",
    )
    class_weight: ClassWeight = Field(default=NOT_WEIGHTED, description="how much more rare classes count")
    label_smoothing: float = Field(default=0.0, ge=0, lt=1, description="share of each label spread over all classes")
    stretch: float = Field(
        default=0.08,
        ge=0,
        lt=1,
        description="largest change of the time scale about the R peak, to imitate varying heart rate",
    )
    mix: float = Field(
        default=0.15, ge=0, lt=1, description="largest share of another beat that is mixed in, labels too (mixup)"
    )
    seed: int = Field(default=1, ge=0, description="random seed; the same seed gives the same results")


class FineTuneSettings(Settings):
    """How the trained model learns to read noisy beats: a new head first, then all layers, then from all beats."""

    head_epochs: int = Field(default=1, ge=1, description="epochs with the body frozen (phase one)")
    epochs: int = Field(default=36, ge=1, description="epochs with every layer learning (phase two)")
    head_learning_rate: float = Field(default=2e-3, gt=0, description="learning rate of phase one")
    learning_rate: float = Field(
        default=1.5e-3, gt=0, description="peak learning rate of phase two; below the Trainer's"
    )
    refit_epochs: int = Field(
        default=10,
        ge=0,
        description="last epochs, which also train on the eval split, after everything chosen on it; 0 for none",
    )
    refit_learning_rate: float = Field(default=4e-4, gt=0, description="peak learning rate of the refit")
    head_dropout: float = Field(default=0.3, ge=0, lt=1, description="share of the new head's units dropped")
    noise: Literal["fresh", "fixed"] = Field(
        default="fresh",
        description="fresh: new noise for every beat in every epoch; fixed: the noisy version that Transform wrote, as "
        "in the study",
    )
    noisy_share: float = Field(default=0.5, ge=0, le=1, description="share of phase two's beats that get fresh noise")
    wide_share: float = Field(
        default=0.5, ge=0, le=1, description="share of the noisy beats whose level is drawn from 0..noise_max"
    )
    noise_sd: float = Field(
        default=0.05, ge=0, description="noise level of the other noisy beats, in units of the samples"
    )
    noise_max: float = Field(default=0.1, ge=0, description="largest noise level drawn, in units of the samples")
    abstain_accuracy: float = Field(
        default=0.995,
        gt=0,
        lt=1,
        description="target accuracy on the clean beats that the model does not abstain from",
    )
    mean_recall: float = Field(
        default=0.95,
        gt=0,
        lt=1,
        description="target mean recall over classes on the eval split, with an allowance for chance, of the second "
        "operating point that is reported beside the usual one",
    )


class TuneSettings(Settings):
    """The budget of the search before training: trials and epochs, never seconds."""

    trials: int = Field(
        default=4, ge=1, description="trials; the first uses the given settings, which only better ones replace"
    )
    epochs: int = Field(default=2, ge=1, description="epochs per trial")
    share: float = Field(default=0.5, gt=0, le=1, description="share of the train beats used in a trial")


class TunerConfig(Settings):
    """The Tuner's input."""

    tune: TuneSettings
    train: TrainSettings


class TrainerConfig(Settings):
    """The Trainer's input."""

    train: TrainSettings


class FineTunerConfig(Settings):
    """The FineTuner's input."""

    train: TrainSettings
    finetune: FineTuneSettings


TUNED_NETWORK: Final = "network."
"""Prefix of the Tuner's values that belong to the network."""


def with_tuned(settings: TrainSettings, hyperparameters: dict[str, Any] | None) -> TrainSettings:
    """Replace settings by the Tuner's values.

    Args:
        settings: the user's.
        hyperparameters: a keras-tuner configuration; None if no Tuner ran; the settings then stay as they are.
    """
    if hyperparameters is None:
        return settings
    import keras_tuner as kt

    merged = settings.model_dump()
    for name, value in kt.HyperParameters.from_config(hyperparameters).values.items():
        if name.startswith(TUNED_NETWORK):
            merged["network"][name.removeprefix(TUNED_NETWORK)] = value
        else:
            merged[name] = value
    return TrainSettings.model_validate(merged)
