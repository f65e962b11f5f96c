import pytest

from components.errors import UsageError
from pipeline.cli import main
from pipeline.commands.run import run
from pipeline.profiles import PROFILES
from pipeline.settings import RunSettings, all_settings, settings_from


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_is_valid_and_ends_with_a_push(name: str) -> None:
    settings = settings_from(name)
    assert settings.profile == name
    assert settings.stages[0] == "ExampleGen"
    assert settings.stages[-1] == "Pusher"
    assert settings.stages.index("ModelGate") < settings.stages.index("Pusher")


def test_an_override_changes_its_value_and_nothing_else() -> None:
    before = settings_from("demo").model_dump()
    after = settings_from("demo", ["data.reject_budget=7"]).model_dump()
    assert after["data"].pop("reject_budget") == 7
    assert before["data"].pop("reject_budget") != 7
    assert after == before


def test_overrides_reach_nested_groups_and_the_last_one_counts() -> None:
    settings = settings_from("demo", ["gate.kaggle.clean_accuracy=0.5", "gate.kaggle.clean_accuracy=0.6"])
    assert settings.gate.kaggle.clean_accuracy == 0.6


def test_a_network_is_chosen_by_its_name() -> None:
    settings = settings_from("demo", ["train.network=study"])
    assert settings.train.network.name == "study"
    with pytest.raises(UsageError, match=r"train\.network\.name"):
        settings_from("demo", ["train.network=transformer"])


def test_an_unknown_setting_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(UsageError, match=r"no setting train\.epoch\. Did you mean .*train\.epochs"):
        settings_from("demo", ["train.epoch=3"])


@pytest.mark.parametrize("text", ["train.epochs", "=3", "train..epochs=3", ".epochs=3"])
def test_an_override_of_another_form_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected group\.name=value, for example train\.epochs=12"):
        settings_from("demo", [text])


def test_a_wrong_value_is_refused_with_the_name_and_the_value() -> None:
    with pytest.raises(UsageError, match=r"train\.epochs = 'many'"):
        settings_from("demo", ["train.epochs=many"])


def test_a_value_is_no_group() -> None:
    with pytest.raises(UsageError, match=r"stages is a value"):
        settings_from("demo", ["stages.first=ExampleGen"])


def test_a_run_has_at_least_one_stage() -> None:
    with pytest.raises(UsageError, match="stages"):
        settings_from("demo", ["stages=[]"])


def test_a_profile_is_not_set() -> None:
    with pytest.raises(UsageError, match=r"chosen with --profile"):
        settings_from("demo", ["profile=full"])


def test_an_unknown_profile_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(run, ["--profile", "ful", "--dry-run"]) == 2
    assert "'demo', 'full', 'study'" in capsys.readouterr().err


def test_every_group_of_settings_is_frozen_and_refuses_unknown_keys() -> None:
    def loose(model: type) -> list[str]:
        config = model.model_config  # type: ignore[attr-defined]
        inner = [field.annotation for field in model.model_fields.values()]  # type: ignore[attr-defined]
        found = [name for group in inner if hasattr(group, "model_fields") for name in loose(group)]
        return found if config.get("frozen") and config.get("extra") == "forbid" else [model.__name__, *found]

    assert loose(RunSettings) == []


def test_every_setting_has_a_description() -> None:
    def undescribed(model: type) -> list[str]:
        missing = []
        for name, field in model.model_fields.items():  # type: ignore[attr-defined]
            if hasattr(field.annotation, "model_fields"):
                missing += undescribed(field.annotation)  # type: ignore[arg-type]
            elif not field.description:
                missing.append(f"{model.__name__}.{name}")
        return missing

    assert undescribed(RunSettings) == []
    assert "validation.label_drift" in dict(all_settings(RunSettings))
