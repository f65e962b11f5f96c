"""Settings that cannot be meant are refused before anything is trained."""

import pytest
from pydantic import ValidationError

from components.train.settings import FineTunerConfig, FineTuneSettings, NetworkSettings, TrainSettings, TuneSettings


@pytest.mark.parametrize("policy", ["balanced", "balanced:0", "balanced:-5", "balanced:many", "Natural", ""])
def test_policies_that_say_no_number_of_beats_are_refused(policy):
    with pytest.raises(ValidationError, match="policy"):
        TrainSettings(policy=policy)


def test_the_studys_policy_is_one():
    assert TrainSettings(policy="balanced:16000").policy == "balanced:16000"


@pytest.mark.parametrize("group", [NetworkSettings, TrainSettings, FineTuneSettings, TuneSettings])
def test_unknown_keys_are_refused_and_values_stay(group):
    with pytest.raises(ValidationError, match=r"Extra inputs"):
        group(unknown=1)
    name = next(iter(group.model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(group(), name, 1)


@pytest.mark.parametrize("group", [NetworkSettings, TrainSettings, FineTuneSettings, TuneSettings])
def test_every_setting_says_what_it_is(group):
    assert all(field.description for field in group.model_fields.values())


def test_settings_travel_as_json():
    config = FineTunerConfig(
        train=TrainSettings(network=NetworkSettings(block_filters=(8, 16))), finetune=FineTuneSettings(epochs=3)
    )
    assert FineTunerConfig.model_validate_json(config.model_dump_json()) == config
