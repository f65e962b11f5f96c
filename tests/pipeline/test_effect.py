"""A setting that would change nothing beside the others is refused, in a sentence that says why."""

import re

import pytest

from components.errors import UsageError
from pipeline.cli import main
from pipeline.commands.run import run
from pipeline.profiles import PROFILES
from pipeline.settings import IGNORED, READERS, RunSettings, all_settings, settings_from
from pipeline.stages import STAGES

SCORING = f"stages={list(STAGES)}".replace("'", '"')
ON = "score.on=flink://flink:8081"


@pytest.mark.parametrize(
    ("profile", "given", "why"),
    [
        ("demo", [SCORING, "score.job_endpoint=jobs:8099"], "score.on names no cluster"),
        ("demo", [SCORING, 'score.beam=["--parallelism=2"]'], "score.on names no cluster"),
        ("demo", [SCORING, 'score={"input": "x", "assume_shared": true}'], "score.on names no cluster"),
        ("demo", [SCORING, ON, "score.workers=2"], "all its free slots"),
        ("demo", [ON], "lists no BatchScorer"),
        ("study", ["tune.trials=9"], "lists no Tuner"),
        ("study", ["cluster.tuner.cpu=9"], "lists no Tuner"),
        ("study", ["train.network.towers=2"], "train.network.name=study fixes it"),
        ("patient", ["train.network.block_kernel=3"], "no convolutions"),
        ("demo", ["train.network.context_units=[8]"], "only train.network.name=context"),
        ("patient", ["train.mix=0.5"], "reads no samples"),
        ("patient", ["finetune.noise=fixed"], "reads no samples"),
        ("patient", ["transform.noise_sd=0.1"], "no samples are transformed"),
        ("study", ["train.class_weight.S=0.5"], "every class as many beats"),
        ("study", ["finetune.noise_max=0.2"], "one noise for all beats"),
        ("demo", ["finetune.wide_share=0", "finetune.noise_max=0.2"], "draws no level"),
        ("demo", ["finetune.wide_share=1", "finetune.noise_sd=0.2"], "draws all levels"),
        ("demo", ["finetune.refit_learning_rate=0.1"], "refit_epochs=0 has none"),
        ("demo", ["cluster.access_key=id"], "names no secret"),
        ("demo", ["cluster.volume_path=/beats"], "names no volume"),
    ],
)
def test_a_setting_without_effect_is_refused_by_its_name(profile: str, given: list[str], why: str) -> None:
    with pytest.raises(UsageError, match=rf"Setting [\w.]+ would have no effect: .*{re.escape(why)}"):
        settings_from(profile, given)


@pytest.mark.parametrize(
    ("profile", "given"),
    [
        ("demo", [SCORING, ON, "score.job_endpoint=jobs:8099", "score.assume_shared=true"]),
        ("demo", [SCORING, "score.workers=2"]),
        ("study", ["finetune.noise_sd=0.1", "train.network.head_units=8"]),
        ("study", ['train.network={"name": "fast", "towers": 2}']),
        ("demo", ["cluster.secret=s3", "cluster.access_key=id", "cluster.trainer.cpu=8", "cluster.report.cpu=1"]),
    ],
)
def test_settings_that_others_give_their_effect_are_taken(profile: str, given: list[str]) -> None:
    assert settings_from(profile, given)


def test_a_run_on_this_machine_refuses_what_is_for_kubeflow(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(run, ["--dry-run", "--set", "cluster.trainer.cpu=8"]) == 2
    assert "Setting cluster.trainer.cpu would have no effect: it is for Kubeflow" in capsys.readouterr().err


def test_each_rule_is_about_settings_and_stages_that_there_are() -> None:
    names = list(dict(all_settings(RunSettings)))
    assert [rule for rule, *_ in IGNORED if not any(re.fullmatch(rule, name) for name in names)] == []
    assert [group for group in READERS if not any(name.startswith(f"{group}.") for name in names)] == []
    assert {stage for stages in READERS.values() for stage in stages} <= set(STAGES)


@pytest.mark.parametrize("profile", PROFILES)
def test_what_a_profile_sets_itself_is_not_held_against_it(profile: str) -> None:
    assert settings_from(profile, ["data.seed=2"])
