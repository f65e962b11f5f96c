"""The Trainer: a new network, trained on beats without noise."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from components.io.artifact_files import HISTORY, write_json
from components.train.batches import Augmentation, choose_rows, make_batches
from components.train.data import TrainingData, load_data
from components.train.export import export_model
from components.train.loop import History, Phase, fit, start_afresh
from components.train.networks import build_network
from components.train.settings import TrainerConfig, TrainSettings, with_tuned

if TYPE_CHECKING:
    import keras
    from tfx.components.trainer.fn_args_utils import FnArgs


def run_fn(fn_args: FnArgs) -> None:
    """Train, then write the SavedModel, `history.json` and TensorBoard logs.

    Args:
        fn_args: `train_files`, `eval_files` (patterns of transformed examples), `transform_graph_path`,
            `serving_model_dir`, `model_run_dir`; `custom_config["settings"]`, a TrainerConfig as JSON; if a Tuner
            ran, `hyperparameters`, its best ones.

    Raises:
        DataRefused: no example to train on, or a class missing where the policy needs it.
    """
    config = TrainerConfig.model_validate_json(fn_args.custom_config["settings"])
    settings = with_tuned(config.train, fn_args.hyperparameters)
    with tempfile.TemporaryDirectory() as scratch:
        data = load_data(fn_args, scratch, settings.network)
        model, history = train_clean(data, settings, "Trainer", "clean", 1.0, f"{fn_args.model_run_dir}/logs/clean")
    export_model(model, settings.network, data.normalise, fn_args.serving_model_dir)
    write_history(history, model, fn_args.model_run_dir)


def train_clean(
    data: TrainingData, settings: TrainSettings, stage: str, phase: str, share: float, log_dir: str | None
) -> tuple[keras.Model, History]:
    """Train from fresh weights on a share of each class's beats; the same settings and data give the same network.

    Stage and phase name the training in the progress output of the Trainer and of each trial of the Tuner.

    Raises:
        DataRefused: a class missing where the policy needs it.
    """
    start_afresh(settings.seed)
    rows = choose_rows(data.train.label, settings.policy, share, np.random.default_rng(settings.seed))
    reads_context = settings.network.reads_context
    augmentation = Augmentation() if reads_context else Augmentation(stretch=settings.stretch, mix=settings.mix)
    batches = make_batches(
        data.train, rows, settings.batch, augmentation, data.normalise, settings.seed, settings.class_weight
    )
    model = build_network(settings.network, data.width)
    plan = Phase(stage, phase, settings.epochs, settings.learning_rate, settings, log_dir)
    return model, fit(model, batches, data.validation, plan)


def write_history(history: History | Mapping[str, History], model: keras.Model, model_run_dir: str) -> None:
    """Write `history.json`: the number of the model's weights, and the curves of one phase, or of several by name."""
    write_json(model_run_dir, HISTORY, {"parameters": model.count_params(), **history})
