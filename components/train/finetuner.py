"""The FineTuner: the trained network learns to read noisy beats, its head first, then all of it.

Then it is calibrated on the eval split. Finally it also trains on the eval split's beats; what was fitted
to them (temperature, thresholds) stays as it is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from components.errors import HeartbeatError
from components.io.artifact_files import FROZEN
from components.train.batches import Augmentation, Batches, choose_rows, make_batches
from components.train.calibrate import Certainty, learn_certainty, write_certainty
from components.train.data import Spool, TrainingData, load_all_beats, load_data
from components.train.export import export_model, load_network
from components.train.loop import History, Phase, fit, make_predictor, start_afresh
from components.train.networks import BODY, with_new_head
from components.train.poststratify import post_stratify
from components.train.settings import FineTunerConfig, FineTuneSettings, TrainSettings, with_tuned
from components.train.trainer import write_history

if TYPE_CHECKING:
    import keras
    from tfx.components.trainer.fn_args_utils import FnArgs

FINETUNED = "finetuned"
REFITTED = "refitted"


def run_fn(fn_args: FnArgs) -> None:
    """Fine-tune, calibrate, refit; write the SavedModel, the one of phase one, `history.json`, `certainty.json`, logs.

    Args:
        fn_args: as the Trainer's; `base_model`, the directory of the Trainer's SavedModel;
            `custom_config["settings"]`, a FineTunerConfig as JSON.

    Raises:
        HeartbeatError: the Trainer's weights were not loaded, or the body did not stay frozen in phase one.
        DataRefused: no example to train on, or a class that the policy needs is missing.
    """
    config = FineTunerConfig.model_validate_json(fn_args.custom_config["settings"])
    train, tune = with_tuned(config.train, fn_args.hyperparameters), config.finetune
    logs = f"{fn_args.model_run_dir}/logs"
    start_afresh(train.seed)
    body = load_network(fn_args.base_model).get_layer(BODY)
    trained_weights = [np.array(weight) for weight in body.get_weights()]  # copies, which training cannot change
    with tempfile.TemporaryDirectory() as scratch:
        data = load_data(fn_args, scratch, train.network)
        model = with_new_head(body, train.network, tune.head_dropout)
        histories = {FROZEN: train_head(model, data, train, tune, logs)}
        if not all(map(np.array_equal, body.get_weights(), trained_weights)):
            raise HeartbeatError("The body's weights changed while they were frozen; this model is not what it says.")
        export_model(model, train.network, data.normalise, f"{fn_args.model_run_dir}/{FROZEN}")
        certainty, later = finish(
            model, data, lambda: load_all_beats(fn_args, scratch, train.network), train, tune, logs
        )
    export_model(model, train.network, data.normalise, fn_args.serving_model_dir, certainty)
    write_certainty(certainty, fn_args.model_run_dir)
    write_history(histories | later, model, fn_args.model_run_dir)


def finish(
    model: keras.Model,
    data: TrainingData,
    load_all: Callable[[], Spool],
    train: TrainSettings,
    tune: FineTuneSettings,
    logs: str,
) -> tuple[Certainty, dict[str, History]]:
    """Run what follows phase one: phase two, calibration on the eval split, the refit; `load_all` gives its beats.

    Returns:
        What was fitted to the eval split, and the curves by phase.
    """
    histories = {FINETUNED: train_all(model, data, train, tune, logs)}
    # context has no samples to find near beats by, and its validation is meant to be of whole records
    reads_context = train.network.reads_context
    weight = np.ones(len(data.validation)) if reads_context else post_stratify(data.train, data.validation, train.seed)
    certainty = learn_certainty(make_predictor(model), data.validation, weight, tune.abstain_accuracy, tune.mean_recall)
    if tune.refit_epochs:
        histories[REFITTED] = refit(model, replace(data, train=load_all()), train, tune, logs)
    return certainty, histories


def train_head(
    model: keras.Model, data: TrainingData, train: TrainSettings, tune: FineTuneSettings, logs: str
) -> History:
    """Run phase one: every beat noisy, the body frozen, its batch normalisation too."""
    model.get_layer(BODY).trainable = False
    phase = Phase("FineTuner", FROZEN, tune.head_epochs, tune.head_learning_rate, train, f"{logs}/{FROZEN}")
    history = fit(model, _batches(data, train, tune, 1.0, train.seed + 1), data.validation, phase)
    model.get_layer(BODY).trainable = True
    return history


def train_all(
    model: keras.Model, data: TrainingData, train: TrainSettings, tune: FineTuneSettings, logs: str
) -> History:
    """Run phase two: every layer learns, at a low rate, from noisy and clean beats."""
    phase = Phase("FineTuner", FINETUNED, tune.epochs, tune.learning_rate, train, f"{logs}/{FINETUNED}")
    return fit(model, _batches(data, train, tune, tune.noisy_share, train.seed + 2), data.validation, phase)


def refit(
    model: keras.Model, all_beats: TrainingData, train: TrainSettings, tune: FineTuneSettings, logs: str
) -> History:
    """Continue as in phase two for a few epochs, with no beats left to validate on."""
    phase = Phase("FineTuner", REFITTED, tune.refit_epochs, tune.refit_learning_rate, train, f"{logs}/{REFITTED}")
    return fit(model, _batches(all_beats, train, tune, tune.noisy_share, train.seed + 3), None, phase)


def _batches(
    data: TrainingData, train: TrainSettings, tune: FineTuneSettings, noisy_share: float, seed: int
) -> Batches:
    # The same rows as the Trainer's: other rows of a downsampled class would be new to the body.
    # The refit draws from all beats, so it includes others of such a class.
    rows = choose_rows(data.train.label, train.policy, 1.0, np.random.default_rng(train.seed))
    augmentation = Augmentation(
        stretch=train.stretch,
        mix=train.mix,
        noise=tune.noise,
        noisy_share=noisy_share,
        wide_share=tune.wide_share,
        noise_sd=tune.noise_sd,
        noise_max=tune.noise_max,
    )
    if train.network.reads_context:
        augmentation = Augmentation()
    return make_batches(data.train, rows, train.batch, augmentation, data.normalise, seed, train.class_weight)
