"""The Tuner: a short random search around the settings, whose best values the trainers use."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from components.train.data import TrainingData, load_data
from components.train.keras_private import defaults_first_oracle
from components.train.settings import TUNED_NETWORK, TrainSettings, TunerConfig, with_tuned
from components.train.trainer import train_clean

if TYPE_CHECKING:
    import keras_tuner as kt
    from tfx.components.trainer.fn_args_utils import FnArgs
    from tfx.v1.components import TunerFnResult

OBJECTIVE = "val_loss"
"""Cross-entropy on the clean beats of the eval split: after few epochs it is more informative than accuracy."""


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Make the search; TFX runs it and keeps each trial's values and score in `tuner_results.json`.

    Args:
        fn_args: `train_files`, `eval_files`, `transform_graph_path`, `working_dir`; `custom_config["settings"]`, a
            TunerConfig as JSON.
    """
    from tfx.v1.components import TunerFnResult

    config = TunerConfig.model_validate_json(fn_args.custom_config["settings"])
    return TunerFnResult(tuner=_search(config, fn_args.working_dir), fit_kwargs={"fn_args": fn_args})


def search_space(settings: TrainSettings) -> kt.HyperParameters:
    """List the values to try: those of the settings, which are the defaults, and some around them.

    The network keeps its size: a search of minutes cannot show what a smaller one would reach, and speed and number of
    parameters stay as documented.
    """
    import keras_tuner as kt

    rate, decay, dropout = settings.learning_rate, settings.weight_decay, settings.network.dropout
    space = kt.HyperParameters()
    for name, default, others in (
        ("learning_rate", rate, [rate * 0.7, rate * 1.5]),
        ("weight_decay", decay, [decay / 3, decay * 3]),
        (f"{TUNED_NETWORK}dropout", dropout, [dropout * 0.7]),
    ):
        space.Choice(name, sorted({default, *others}), default=default)
    return space


def _search(config: TunerConfig, directory: str) -> kt.Tuner:
    import keras_tuner as kt

    class Search(kt.Tuner):
        def search(self, fn_args: FnArgs) -> None:
            """Read the beats once for all trials."""
            with tempfile.TemporaryDirectory() as scratch:
                super().search(data=load_data(fn_args, scratch, config.train.network), verbose=0)

        def run_trial(self, trial: kt.engine.trial.Trial, data: TrainingData, verbose: int) -> dict[str, float]:
            settings = with_tuned(config.train, trial.hyperparameters.get_config())
            settings = settings.model_copy(update={"epochs": config.tune.epochs})
            phase = f"trial {len(self.oracle.trials)} of {config.tune.trials}"
            _, history = train_clean(data, settings, "Tuner", phase, config.tune.share, None)
            return {OBJECTIVE: history[OBJECTIVE][-1]}

    oracle = defaults_first_oracle(OBJECTIVE, config.tune.trials, search_space(config.train), config.train.seed)
    return Search(oracle=oracle, directory=directory, project_name="tuner", overwrite=True)
