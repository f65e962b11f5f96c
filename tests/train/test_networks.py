"""The networks: their sizes, their shapes, and that they can be taken apart and stored."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.beat import CLASSES, SAMPLES
from components.train.networks import BODY, HEAD, build_network, mean_logits, served_network, with_new_head
from components.train.settings import NetworkSettings

SIGNAL = np.random.default_rng(0).random((3, SAMPLES), dtype=np.float32)


def test_the_study_has_its_number_of_parameters():
    assert build_network(NetworkSettings(name="study")).count_params() == 223_429


def test_the_study_does_not_see_the_last_sample():
    model = build_network(NetworkSettings(name="study"))
    changed = SIGNAL.copy()
    changed[:, -1] += 9
    assert np.array_equal(model(SIGNAL), model(changed))
    changed[:, -2] += 9
    assert not np.array_equal(model(SIGNAL), model(changed))


def test_the_default_network_is_small_enough():
    assert build_network(NetworkSettings()).count_params() < 300_000


@pytest.mark.parametrize("name", ["residual", "fast", "study"])
def test_a_stored_network_comes_back_without_custom_objects(name, tmp_path):
    model = build_network(NetworkSettings(name=name))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert [layer.name for layer in again.layers[1:]] == [BODY, HEAD]
    assert np.array_equal(model(SIGNAL), again(SIGNAL))


@pytest.mark.parametrize("name", ["residual", "study"])
def test_a_new_head_goes_on_an_old_body(name):
    settings = NetworkSettings(name=name, towers=2, head_units=7)
    body = build_network(settings).get_layer(BODY)
    model = with_new_head(body, settings, 0.25)
    assert model(SIGNAL).shape == (3, 1 if name == "study" else 2, len(CLASSES))
    assert model.get_layer(BODY) is body


def test_towers_share_only_the_beat():
    """A step on one tower's logits moves no weight of another."""
    model = build_network(NetworkSettings(towers=2, stem_filters=4, block_filters=(6,), head_units=8))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(SIGNAL)[:, 0] ** 2)
    reached = [
        gradient is not None and bool(tf.reduce_any(gradient != 0))
        for gradient in tape.gradient(loss, model.trainable_weights, unconnected_gradients="zero")
    ]
    assert sum(reached) == len(reached) / 2


def test_sizes_follow_the_settings():
    sizes = NetworkSettings(towers=2, stem_filters=4, stem_stride=2, block_filters=(6,), head_units=8)
    small = build_network(sizes)
    assert small.get_layer(BODY).output_shape == (None, 2 * 47 * 6)
    units = [layer.units for layer in small.get_layer(HEAD).layers if hasattr(layer, "units")]
    assert sorted(units) == [len(CLASSES)] * 2 + [8] * 2


def test_the_fast_network_is_named_alone_or_with_other_sizes():
    fast = NetworkSettings.model_validate("fast")
    assert fast == NetworkSettings(name="fast")
    assert fast.block_filters != NetworkSettings().block_filters
    assert NetworkSettings(name="fast", block_filters=(7,)).block_filters == (7,)


@pytest.mark.parametrize("name", ["residual", "fast", "study"])
def test_the_served_networks_logits_are_the_networks_own(name):
    """With statistics and scales as after training, not the ones and zeros of a fresh normalisation."""
    settings = NetworkSettings(name=name)
    model = build_network(settings)
    rng = np.random.default_rng(1)
    for layer in model.get_layer(BODY).layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            for weight in layer.weights:
                weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    served = served_network(model, settings).logits(tf.constant(SIGNAL))
    np.testing.assert_allclose(served, mean_logits(model(SIGNAL, training=False)), rtol=1e-4, atol=1e-4)
