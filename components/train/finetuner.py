"""The FineTuner: the trained network learns to read noisy beats, its head first, then all of it; then its certainty.

Last it learns from the eval split's beats, too: what was chosen by them (temperature, thresholds) stays as it is.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from components.errors import HeartbeatError
from components.train.augment import Augmentation
from components.train.calibrate import learn_certainty, write_certainty
from components.train.export import export_model
from components.train.fit import History, Phase, fit
from components.train.history import write_history
from components.train.input import Batches, choose_rows, make_batches
from components.train.material import Material, load_everything, load_material
from components.train.networks import BODY, with_new_head
from components.train.poststratify import post_stratify
from components.train.settings import FineTunerConfig, FineTuneSettings, TrainSettings
from components.train.start import start_afresh
from components.train.tuned import with_tuned
from components.train.validation import make_predictor
from components.train.warm_start import body_weights, load_first_model, same_weights

if TYPE_CHECKING:
    import keras
    from tfx.components.trainer.fn_args_utils import FnArgs

FROZEN = "frozen"
FINETUNED = "finetuned"
REFITTED = "refitted"


def run_fn(fn_args: FnArgs) -> None:
    """Fine-tune, calibrate, refit; write the SavedModel, the one of phase one, `history.json`, `certainty.json`, logs.

    Args:
        fn_args: as the Trainer's; `base_model`, the Trainer's `Format-Serving` directory;
            `custom_config["settings"]`, a FineTunerConfig as JSON.

    Raises:
        HeartbeatError: the first model's weights were not loaded, or the body did not stay frozen in phase one.
        DataRefused: no example to train on, or a class missing where the policy needs it.
    """
    config = FineTunerConfig.model_validate_json(fn_args.custom_config["settings"])
    train, tune = with_tuned(config.train, fn_args.hyperparameters), config.finetune
    start_afresh(train.seed)
    first = load_first_model(fn_args.base_model)
    loaded = body_weights(first)
    with tempfile.TemporaryDirectory() as scratch:
        material = load_material(fn_args, scratch)
        model = with_new_head(first.get_layer(BODY), train.network, tune.head_dropout)
        frozen = train_head(model, material, train, tune, f"{fn_args.model_run_dir}/logs")
        if not same_weights(body_weights(model), loaded):
            raise HeartbeatError("The body's weights changed while they were frozen; this model is not what it says.")
        export_model(model, train.network, material.normalise, f"{fn_args.model_run_dir}/{FROZEN}")
        finetuned = train_all(model, material, train, tune, f"{fn_args.model_run_dir}/logs")
        weight = post_stratify(material.train, material.validation, train.seed)
        certainty = learn_certainty(
            make_predictor(model), material.validation, weight, tune.abstain_accuracy, tune.mean_recall
        )
        histories = {FROZEN: frozen, FINETUNED: finetuned}
        if tune.refit_epochs:
            everything = replace(material, train=load_everything(fn_args, scratch))
            histories[REFITTED] = refit(model, everything, train, tune, f"{fn_args.model_run_dir}/logs")
    export_model(model, train.network, material.normalise, fn_args.serving_model_dir, certainty)
    write_certainty(certainty, fn_args.model_run_dir)
    write_history(histories, model.count_params(), fn_args.model_run_dir)


def train_head(
    model: keras.Model, material: Material, train: TrainSettings, tune: FineTuneSettings, log_dir: str
) -> History:
    """Phase one: every beat noisy, the body frozen, its batch normalisation too."""
    model.get_layer(BODY).trainable = False
    phase = _phase(FROZEN, tune.head_epochs, tune.head_learning_rate, train, log_dir)
    history = fit(model, _batches(material, train, tune, 1.0, train.seed + 1), material.validation, phase)
    model.get_layer(BODY).trainable = True
    return history


def train_all(
    model: keras.Model, material: Material, train: TrainSettings, tune: FineTuneSettings, log_dir: str
) -> History:
    """Phase two: every layer learns, at a low rate, from noisy and clean beats."""
    phase = _phase(FINETUNED, tune.epochs, tune.learning_rate, train, log_dir)
    return fit(model, _batches(material, train, tune, tune.noisy_share, train.seed + 2), material.validation, phase)


def refit(
    model: keras.Model, everything: Material, train: TrainSettings, tune: FineTuneSettings, log_dir: str
) -> History:
    """The same as phase two from where it ended, for a few epochs, with nothing left to validate on."""
    phase = _phase(REFITTED, tune.refit_epochs, tune.refit_learning_rate, train, log_dir)
    return fit(model, _batches(everything, train, tune, tune.noisy_share, train.seed + 3), None, phase)


def _batches(
    material: Material, train: TrainSettings, tune: FineTuneSettings, noisy_share: float, seed: int
) -> Batches:
    # The same rows as the Trainer's: of a class that is sampled down, other ones would be new to the body.
    # In the refit they are drawn among all beats, so others of such a class come in.
    rows = choose_rows(material.train.label, train.policy, 1.0, np.random.default_rng(train.seed))
    how = Augmentation(
        stretch=train.stretch,
        mix=train.mix,
        noise=tune.noise,
        noisy_share=noisy_share,
        wide_share=tune.wide_share,
        noise_sd=tune.noise_sd,
        noise_max=tune.noise_max,
    )
    return make_batches(material.train, rows, train.batch, how, material.normalise, seed)


def _phase(name: str, epochs: int, learning_rate: float, train: TrainSettings, log_dir: str) -> Phase:
    return Phase(
        stage="FineTuner",
        name=name,
        epochs=epochs,
        learning_rate=learning_rate,
        schedule=train.schedule,
        weight_decay=train.weight_decay,
        average_epochs=train.average_epochs,
        label_smoothing=train.label_smoothing,
        log_dir=f"{log_dir}/{name}",
    )
