"""The stages that train, run on small beats: what they write, and that they are what they say."""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from components.errors import HeartbeatError
from components.train import finetuner, trainer, tuner
from components.train.data import load_data
from components.train.export import load_network, load_predict
from components.train.networks import BODY, HEAD, build_network
from components.train.settings import (
    FineTunerConfig,
    FineTuneSettings,
    TrainerConfig,
    TunerConfig,
    TuneSettings,
)
from tests.train.conftest import FINETUNE, TRAIN, make_beats

KERAS_FILE = "assets.extra/heartbeat/model.keras"
CURVES = {"epoch", "loss", "accuracy", "val_loss", "val_accuracy", "val_noisy_accuracy"}


def history(folder: Path) -> dict:
    return json.loads((folder / "run/history.json").read_text())


def weights(model_dir: Path, part: str) -> list[np.ndarray]:
    return keras.models.load_model(model_dir / KERAS_FILE).get_layer(part).get_weights()


def equal(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_trainer_learns_and_keeps_its_curves(trained):
    curves = history(trained)
    assert set(curves) >= CURVES
    assert curves["epoch"] == [1, 2, 3]
    assert curves["loss"][-1] < curves["loss"][0]
    assert list((trained / "run/logs/clean").rglob("events.*"))


def test_the_last_curves_are_those_of_the_model_that_is_served(trained, transformed, tmp_path):
    """Validation sees the averaged weights, which are the ones that are exported."""
    from components.train.data import spool_examples
    from components.train.loop import logit_metrics

    spool = spool_examples([f"{transformed}/Split-eval/*"], {"clean": "clean"}, tmp_path / "eval")
    found = load_predict(f"{trained}/model/Format-Serving")(spool.columns["clean"])
    metrics = logit_metrics(np.log(found), spool.label)
    assert metrics["loss"] == pytest.approx(history(trained)["val_loss"][-1], abs=1e-4)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_numbers_in_one_process(trained, fn_args_for, tmp_path):
    trainer.run_fn(fn_args_for(tmp_path, TrainerConfig(train=TRAIN)))
    assert history(tmp_path) == history(trained)
    for part in (BODY, HEAD):
        assert equal(weights(tmp_path / "model/Format-Serving", part), weights(trained / "model/Format-Serving", part))


def test_progress_is_a_json_line_an_epoch(trained):
    lines = [json.loads(line) for line in (trained / "progress.jsonl").read_text().splitlines()]
    assert [(line["stage"], line["phase"], line["epoch"], line["epochs"]) for line in lines] == [
        ("Trainer", "clean", 1, 3),
        ("Trainer", "clean", 2, 3),
        ("Trainer", "clean", 3, 3),
    ]
    assert set(lines[0]) == {"stage", "phase", "epoch", "epochs", "loss", "val_accuracy", "seconds"}
    assert [line["val_accuracy"] for line in lines] == pytest.approx(history(trained)["val_accuracy"], abs=1e-5)


def test_the_frozen_phase_keeps_the_trainers_body_and_replaces_its_head(trained, finetuned):
    first, frozen = trained / "model/Format-Serving", finetuned / "run/frozen"
    assert equal(weights(first, BODY), weights(frozen, BODY))
    assert not equal(weights(first, HEAD), weights(frozen, HEAD))


def test_the_second_phase_changes_every_weight_of_the_body(finetuned):
    frozen, final = finetuned / "run/frozen", finetuned / "model/Format-Serving"
    pairs = zip(weights(frozen, BODY), weights(final, BODY), strict=True)
    assert not any(np.array_equal(before, after) for before, after in pairs)


def test_the_finetuner_keeps_the_curves_of_both_phases(finetuned):
    curves = history(finetuned)
    saved = keras.models.load_model(finetuned / "model/Format-Serving" / KERAS_FILE)
    assert curves.pop("parameters") == saved.count_params()
    assert set(curves) == {"frozen", "finetuned"}
    assert all(set(phase) >= CURVES and phase["epoch"] == [1, 2] for phase in curves.values())
    assert sorted(path.name for path in (finetuned / "run/logs").iterdir()) == ["finetuned", "frozen"]


@pytest.mark.slow
def test_the_refit_learns_from_all_beats_and_keeps_what_validation_has_taught(
    trained, finetuned, fn_args_for, tmp_path, monkeypatch
):
    learnt_from = []
    choose = finetuner.choose_rows
    monkeypatch.setattr(
        finetuner, "choose_rows", lambda label, *rest: learnt_from.append(len(label)) or choose(label, *rest)
    )
    config = FineTunerConfig(train=TRAIN, finetune=FINETUNE.model_copy(update={"refit_epochs": 3}))
    finetuner.run_fn(fn_args_for(tmp_path, config, base_model=f"{trained}/model/Format-Serving"))
    head, body, refit = learnt_from
    assert head == body
    assert refit == body + len(load_data(fn_args_for(tmp_path, config), str(tmp_path), TRAIN.network).validation)
    certainties = [(folder / "run/certainty.json").read_bytes() for folder in (tmp_path, finetuned)]
    assert certainties[0] == certainties[1]
    curves = history(tmp_path)
    assert curves["finetuned"] == history(finetuned)["finetuned"]
    assert set(curves["refitted"]) == {"epoch", "loss", "accuracy"}
    assert curves["refitted"]["epoch"] == [1, 2, 3]
    before, after = (weights(folder / "model/Format-Serving", BODY) for folder in (finetuned, tmp_path))
    assert not any(np.array_equal(*pair) for pair in zip(before, after, strict=True))


@pytest.mark.slow
def test_fine_tuning_gives_the_same_numbers_again(trained, finetuned, fn_args_for, tmp_path):
    config = FineTunerConfig(train=TRAIN, finetune=FINETUNE)
    finetuner.run_fn(fn_args_for(tmp_path, config, base_model=f"{trained}/model/Format-Serving"))
    signal, _ = make_beats(20, 3)
    again, before = (load_predict(f"{folder}/model/Format-Serving")(signal) for folder in (tmp_path, finetuned))
    assert np.array_equal(again, before)


@pytest.mark.slow
def test_the_studys_transfer_runs_on_the_studys_network(fn_args_for, tmp_path):
    network = TRAIN.network.model_copy(update={"name": "study"})
    train = TRAIN.model_copy(
        update={"network": network, "policy": "balanced:20", "epochs": 1, "schedule": "constant", "average_epochs": 0}
    )
    trainer.run_fn(fn_args_for(tmp_path / "first", TrainerConfig(train=train)))
    fixed = FineTuneSettings(head_epochs=1, epochs=1, refit_epochs=0, noise="fixed")
    base_model = f"{tmp_path}/first/model/Format-Serving"
    finetuner.run_fn(fn_args_for(tmp_path, FineTunerConfig(train=train, finetune=fixed), base_model=base_model))
    assert set(history(tmp_path)) == {"parameters", "frozen", "finetuned"}


@pytest.fixture
def copied(trained, tmp_path) -> Path:
    """A copy of the trained model, to be damaged."""
    return Path(shutil.copytree(trained / "model/Format-Serving", tmp_path / "copied"))


def test_a_first_model_that_is_whole_is_loaded(copied):
    signal = np.zeros((2, 187), np.float32)
    assert load_network(str(copied))(signal).shape == (2, 5)


@pytest.mark.parametrize("base_model", [None, ""])
def test_fine_tuning_without_a_first_model_is_refused(fn_args_for, tmp_path, base_model):
    config = FineTunerConfig(train=TRAIN, finetune=FINETUNE)
    with pytest.raises(HeartbeatError, match="given none"):
        finetuner.run_fn(fn_args_for(tmp_path, config, base_model=base_model))
    assert not (tmp_path / "model").exists()


def test_a_first_model_without_its_network_is_refused(copied):
    (copied / KERAS_FILE).unlink()
    with pytest.raises(HeartbeatError, match=r"model.keras is not there"):
        load_network(str(copied))


def test_a_network_with_other_weights_is_refused(copied):
    keras.utils.set_random_seed(99)
    build_network(TRAIN.network).save(copied / KERAS_FILE)
    with pytest.raises(HeartbeatError, match="is not the weight of the model"):
        load_network(str(copied))


def test_a_network_in_which_one_weight_moved_is_refused(copied):
    network = keras.models.load_model(copied / KERAS_FILE)
    moved = network.get_layer(BODY).weights[0]
    moved.assign(np.nextafter(moved.numpy(), np.float32(1e9)))
    network.save(copied / KERAS_FILE)
    with pytest.raises(HeartbeatError, match=moved.path):
        load_network(str(copied))


def run_search(fn_args_for, folder: Path, count: int):
    config = TunerConfig(tune=TuneSettings(trials=count, epochs=1, share=0.5), train=TRAIN)
    result = tuner.tuner_fn(fn_args_for(folder, config, working_dir=str(folder)))
    result.tuner.search(**result.fit_kwargs)
    return result.tuner


def trials(search) -> list[tuple[dict, float]]:
    done = search.oracle.get_best_trials(99)
    return [(trial.hyperparameters.values, trial.score) for trial in sorted(done, key=lambda trial: trial.trial_id)]


@pytest.fixture(scope="module")
def search(fn_args_for, tmp_path_factory):
    """A finished search of two trials."""
    return run_search(fn_args_for, tmp_path_factory.mktemp("tuner"), 2)


def test_the_search_has_its_budget_and_begins_with_the_settings(search):
    (given, first), (_, second) = trials(search)
    assert given["learning_rate"] == TRAIN.learning_rate
    assert given["network.dropout"] == TRAIN.network.dropout
    assert first != second


def test_the_search_tries_the_same_values_again_and_takes_the_best(fn_args_for, tmp_path, monkeypatch):
    def rated(data, settings, *others):
        return None, {"val_loss": [9.0, settings.learning_rate + settings.network.dropout]}

    monkeypatch.setattr(tuner, "train_clean", rated)
    first, again = (run_search(fn_args_for, tmp_path / name, 6) for name in ("first", "again"))
    assert trials(first) == trials(again)
    assert len(trials(first)) == 6
    best = first.get_best_hyperparameters()[0].values
    assert best["learning_rate"] + best["network.dropout"] == min(score for _, score in trials(first))


@pytest.mark.parametrize("stage", [trainer, finetuner])
def test_the_best_values_reach_the_trainers(search, stage, trained, fn_args_for, tmp_path, monkeypatch):
    best = search.get_best_hyperparameters()[0].get_config()
    best["values"] |= {"network.dropout": 0.1, "weight_decay": 0.5}
    given = []

    def stop_with(settings):
        given.append(settings)
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer, "train_clean", lambda data, settings, *others: stop_with(settings))
    monkeypatch.setattr(finetuner, "train_head", lambda model, data, settings, *others: stop_with(settings))
    config = TrainerConfig(train=TRAIN) if stage is trainer else FineTunerConfig(train=TRAIN, finetune=FINETUNE)
    base_model = f"{trained}/model/Format-Serving"
    with pytest.raises(KeyboardInterrupt):
        stage.run_fn(fn_args_for(tmp_path, config, hyperparameters=best, base_model=base_model))
    assert given[0].network.dropout == 0.1
    assert given[0].weight_decay == 0.5
    assert given[0].epochs == TRAIN.epochs
