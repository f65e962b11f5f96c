"""The Tuner: a short random search around the settings, whose best values the trainers use."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

from components.train.clean import train_clean
from components.train.material import Material, load_material
from components.train.settings import TunerConfig
from components.train.tuned import search_space, with_tuned

if TYPE_CHECKING:
    import keras_tuner as kt
    from tfx.components.trainer.fn_args_utils import FnArgs
    from tfx.v1.components import TunerFnResult

OBJECTIVE = "val_loss"
"""Cross-entropy on the clean beats of the eval split: after few epochs it tells more than the accuracy."""


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Make the search; TFX runs it and keeps each trial's values and score in `tuner_results.json`.

    Args:
        fn_args: `train_files`, `eval_files`, `transform_graph_path`, `working_dir`; `custom_config["settings"]`, a
            TunerConfig as JSON.
    """
    from tfx.v1.components import TunerFnResult

    config = TunerConfig.model_validate_json(fn_args.custom_config["settings"])
    return TunerFnResult(tuner=_search(config, fn_args.working_dir), fit_kwargs={"fn_args": fn_args})


def _search(config: TunerConfig, directory: str) -> kt.Tuner:
    import keras_tuner as kt

    class GivenFirst(kt.oracles.RandomSearchOracle):
        """Random values, but the first trial has the settings' own: the search can only find what beats them."""

        def populate_space(self, trial_id: str) -> dict[str, Any]:
            if len(self.trials) > 0:
                return super().populate_space(trial_id)
            return {"status": kt.engine.trial.TrialStatus.RUNNING, "values": dict(self.hyperparameters.values)}

    class Search(kt.Tuner):
        def search(self, fn_args: FnArgs) -> None:
            """Read the beats once for all trials."""
            with tempfile.TemporaryDirectory() as scratch:
                super().search(material=load_material(fn_args, scratch), verbose=0)

        def run_trial(self, trial: kt.engine.trial.Trial, material: Material, verbose: int) -> dict[str, float]:
            settings = with_tuned(config.train, trial.hyperparameters.get_config())
            settings = settings.model_copy(update={"epochs": config.tune.epochs})
            number = len(self.oracle.trials)
            _, history = train_clean(
                material, settings, "Tuner", f"trial {number} of {config.tune.trials}", config.tune.share, None
            )
            return {OBJECTIVE: history[OBJECTIVE][-1]}

    oracle = GivenFirst(
        objective=kt.Objective(OBJECTIVE, "min"),
        max_trials=config.tune.trials,
        hyperparameters=search_space(config.train),
        seed=config.train.seed,
    )
    return Search(oracle=oracle, directory=directory, project_name="tuner", overwrite=True)
