"""What the search may try, and how its values meet the settings."""

import pytest

from components.train.settings import NetworkSettings, TrainSettings, with_tuned
from components.train.tuner import search_space

GIVEN = TrainSettings(learning_rate=0.004, weight_decay=0.0, network=NetworkSettings(block_kernel=3, dropout=0.0))


def configuration(**values: object) -> dict:
    """A keras-tuner configuration as a Tuner writes it, with some values chosen."""
    space = search_space(TrainSettings())
    space.values.update(values)
    return space.get_config()


def test_without_a_tuner_the_settings_stay():
    assert with_tuned(GIVEN, None) is GIVEN


@pytest.mark.parametrize("settings", [TrainSettings(), GIVEN])
def test_the_defaults_of_the_search_are_the_settings(settings):
    assert with_tuned(settings, search_space(settings).get_config()) == settings


def test_chosen_values_replace_those_of_the_settings_and_no_others():
    tuned = with_tuned(GIVEN, configuration(**{"learning_rate": 0.5, "network.dropout": 0.7}))
    assert tuned.learning_rate == 0.5
    assert tuned.network == GIVEN.network.model_copy(update={"dropout": 0.7})
    untouched = {"learning_rate", "weight_decay", "network"}
    assert tuned.model_dump(exclude=untouched) == GIVEN.model_dump(exclude=untouched)


def test_values_that_no_setting_allows_are_refused():
    with pytest.raises(ValueError, match="learning_rate"):
        with_tuned(GIVEN, configuration(learning_rate=-1.0))


def test_the_search_leaves_the_size_of_the_network_alone():
    space = search_space(TrainSettings())
    assert {hp.name for hp in space.space} == {"learning_rate", "weight_decay", "network.dropout"}
