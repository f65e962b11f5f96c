"""Every use of names that Keras, keras-tuner and TensorFlow do not promise to keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count, takewhile
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras
    import keras_tuner as kt
    import tensorflow as tf
    from tensorflow.types.experimental import ConcreteFunction


def build_optimizer(optimizer: keras.optimizers.Optimizer, model: keras.Model) -> None:
    """Create an optimizer's variables now; creating them in the first step would trace it a second time."""
    optimizer.build(model.trainable_variables)


@contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Temporarily replace the model's weights by the running average that its optimizer keeps."""
    import keras

    swap = keras.callbacks.SwapEMAWeights()
    swap.set_model(model)
    swap.on_test_begin()
    yield
    swap.on_test_end()


def plain_variables(model: keras.Model) -> list[tf.Variable]:
    """List the TensorFlow variables behind a model's weights, in the order of `model.weights`.

    A TF 1 session, as tfx_bsl uses, does not find variables that only Keras objects hold.
    """
    return [variable.value for variable in model.weights]


def saved_weights(model_dir: str) -> list[npt.NDArray[np.float32]]:
    """Read the variables that a SavedModel holds as the list `weights`, without loading its graph."""
    import tensorflow as tf

    checkpoint = tf.train.load_checkpoint(f"{model_dir}/variables/variables")
    keys = (f"weights/{number}/.ATTRIBUTES/VARIABLE_VALUE" for number in count())
    return [checkpoint.get_tensor(key) for key in takewhile(checkpoint.has_tensor, keys)]


def without_other_outputs(function: ConcreteFunction) -> ConcreteFunction:
    """Keep only what a function's first output is computed from: calls inlined, weights as constants."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    flat = convert_variables_to_constants_v2(function)
    whole = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(flat.graph.as_graph_def(), name=""), [])
    ends = [whole.graph.get_tensor_by_name(end.name) for end in (flat.inputs[0], flat.outputs[0])]
    return whole.prune(*ends)


def defaults_first_oracle(
    objective: str, trials: int, space: kt.HyperParameters, seed: int
) -> kt.oracles.RandomSearchOracle:
    """Make a random search whose first trial has the defaults of the space: it can only improve on them.

    Args:
        objective: the figure to minimise.
        trials: number of settings tried.
        space: of settings.
        seed: of the search.
    """
    import keras_tuner as kt

    class DefaultsFirst(kt.oracles.RandomSearchOracle):
        def populate_space(self, trial_id: str) -> Mapping[str, Any]:
            if len(self.trials) > 0:
                drawn: Mapping[str, Any] = super().populate_space(trial_id)
                return drawn
            return {"status": kt.engine.trial.TrialStatus.RUNNING, "values": dict(self.hyperparameters.values)}

    return DefaultsFirst(objective=kt.Objective(objective, "min"), max_trials=trials, hyperparameters=space, seed=seed)
