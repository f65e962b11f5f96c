"""Names that Keras, keras-tuner and TensorFlow do not promise to keep: each is used once here."""

import keras
import keras_tuner as kt
import numpy as np
import pytest
import tensorflow as tf

from components.train.keras_private import (
    averaged_weights,
    build_optimizer,
    defaults_first_oracle,
    plain_variables,
    saved_weights,
    without_other_outputs,
)


@pytest.fixture
def model() -> keras.Model:
    """A network of two weights, its optimizer keeping a running average."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.AdamW(0.5, use_ema=True, ema_momentum=0.9), "mse")
    return model


def test_an_optimizer_that_is_built_has_its_variables(model):
    before = len(model.optimizer.variables)
    build_optimizer(model.optimizer, model)
    assert len(model.optimizer.variables) > before


def test_averaged_weights_are_in_the_model_for_a_while(model):
    build_optimizer(model.optimizer, model)
    watch = Watch()
    model.fit(np.ones((4, 2)), np.ones((4, 1)), batch_size=1, epochs=1, verbose=0, callbacks=[watch])
    assert watch.batches == 4


class Watch(keras.callbacks.Callback):
    """Averages the weights itself after each batch, and compares; the average begins with the first step's weights."""

    def __init__(self) -> None:
        super().__init__()
        self.batches = 0
        self.average = np.empty(0)

    def weights(self) -> np.ndarray:
        return np.concatenate([weight.ravel() for weight in self.model.get_weights()])

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        trained = self.weights()
        self.average = 0.9 * self.average + 0.1 * trained if batch else trained
        with averaged_weights(self.model):
            assert self.weights() == pytest.approx(self.average, abs=1e-6)
        assert self.weights() == pytest.approx(trained, abs=1e-6)
        self.batches += 1


def test_saved_variables_are_found_in_their_order(model, tmp_path):
    module = tf.Module()
    module.weights = plain_variables(model)
    tf.saved_model.save(module, str(tmp_path))
    for saved, weight in zip(saved_weights(str(tmp_path)), model.weights, strict=True):
        assert np.array_equal(saved, weight.numpy())


def test_what_other_outputs_need_is_cut_away():
    @tf.function
    def both(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return x * 2, tf.sin(x)

    whole = both.get_concrete_function(tf.TensorSpec((None,), tf.float32, "x"))
    cut = without_other_outputs(whole)
    assert np.array_equal(cut(tf.constant([1.0, 2.0])), [2.0, 4.0])
    assert "Sin" not in {operation.type for operation in cut.graph.get_operations()}


def test_the_first_trial_of_a_search_has_the_defaults():
    space = kt.HyperParameters()
    space.Choice("rate", [0.1, 0.2, 0.3], default=0.2)
    oracle = defaults_first_oracle("loss", 2, space, seed=1)
    assert oracle.populate_space("0")["values"] == {"rate": 0.2}
    oracle.trials["0"] = None
    assert oracle.populate_space("1")["values"].keys() == {"rate"}
