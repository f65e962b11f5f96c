"""The Trainer: a network trained on beats without noise."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from components.train.clean import train_clean
from components.train.export import export_model
from components.train.history import write_history
from components.train.material import load_material
from components.train.settings import TrainerConfig
from components.train.tuned import with_tuned

if TYPE_CHECKING:
    from tfx.components.trainer.fn_args_utils import FnArgs


def run_fn(fn_args: FnArgs) -> None:
    """Train, then write the SavedModel, `history.json` and TensorBoard logs.

    Args:
        fn_args: `train_files`, `eval_files` (patterns of transformed examples), `transform_graph_path`,
            `serving_model_dir`, `model_run_dir`; `custom_config["settings"]`, a TrainerConfig as JSON; where a Tuner
            ran, `hyperparameters`, its best ones.

    Raises:
        DataRefused: no example to train on, or a class missing where the policy needs it.
    """
    config = TrainerConfig.model_validate_json(fn_args.custom_config["settings"])
    settings = with_tuned(config.train, fn_args.hyperparameters)
    with tempfile.TemporaryDirectory() as scratch:
        material = load_material(fn_args, scratch)
        model, history = train_clean(material, settings, "Trainer", "clean", 1.0, f"{fn_args.model_run_dir}/logs/clean")
    export_model(model, settings.network, material.normalise, fn_args.serving_model_dir)
    write_history(history, model.count_params(), fn_args.model_run_dir)
