"""What the Tuner may change, and how its best values reach the trainers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.train.settings import TrainSettings

if TYPE_CHECKING:
    import keras_tuner as kt

_NETWORK = "network."


def search_space(settings: TrainSettings) -> kt.HyperParameters:
    """The values that are tried: those of the settings, which are the defaults, and some around them.

    The network keeps its size: a search of minutes cannot tell what a smaller one would reach, and speed and number of
    parameters are as they are documented.
    """
    import keras_tuner as kt

    rate, decay, dropout = settings.learning_rate, settings.weight_decay, settings.network.dropout
    space = kt.HyperParameters()
    for name, given, others in (
        ("learning_rate", rate, [rate * 0.7, rate * 1.5]),
        ("weight_decay", decay, [decay / 3, decay * 3]),
        (f"{_NETWORK}dropout", dropout, [dropout * 0.7]),
    ):
        space.Choice(name, sorted({given, *others}), default=given)
    return space


def with_tuned(settings: TrainSettings, hyperparameters: dict[str, Any] | None) -> TrainSettings:
    """The settings with the Tuner's values in place of their own.

    Args:
        settings: as given.
        hyperparameters: a keras-tuner configuration; None where no Tuner ran, and the settings stay as they are.
    """
    if hyperparameters is None:
        return settings
    import keras_tuner as kt

    merged = settings.model_dump()
    for name, value in kt.HyperParameters.from_config(hyperparameters).values.items():
        if name.startswith(_NETWORK):
            merged["network"][name.removeprefix(_NETWORK)] = value
        else:
            merged[name] = value
    return TrainSettings.model_validate(merged)
