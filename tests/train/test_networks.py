"""The networks: their sizes, their shapes, and that they can be taken apart and stored."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.beats.beat import CLASSES, SAMPLES
from components.train.networks import BODY, HEAD, build_network, head, join, served_logits
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
    body = build_network(NetworkSettings(name=name)).get_layer(BODY)
    model = join(body, head(7, 0.25))
    assert model(SIGNAL).shape == (3, len(CLASSES))
    assert model.get_layer(BODY) is body


def test_sizes_follow_the_settings():
    small = build_network(NetworkSettings(stem_filters=4, stem_stride=2, block_filters=(6,), head_units=8))
    assert small.get_layer(BODY).output_shape == (None, 47 * 6)
    assert [layer.units for layer in small.get_layer(HEAD).layers if hasattr(layer, "units")] == [8, len(CLASSES)]


def test_the_fast_network_is_named_alone_or_with_other_sizes():
    fast = NetworkSettings.model_validate("fast")
    assert fast == NetworkSettings(name="fast")
    assert fast.block_filters != NetworkSettings().block_filters
    assert NetworkSettings(name="fast", block_filters=(7,)).block_filters == (7,)


@pytest.mark.parametrize("name", ["residual", "fast", "study"])
def test_served_logits_are_the_networks_own(name):
    """With statistics and scales as after training, not the ones and zeros of a fresh normalisation."""
    settings = NetworkSettings(name=name)
    model = build_network(settings)
    rng = np.random.default_rng(1)
    for layer in model.get_layer(BODY).layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            for weight in layer.weights:
                weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    served = served_logits(model, settings, tf.constant(SIGNAL))
    np.testing.assert_allclose(served, model(SIGNAL, training=False), rtol=1e-4, atol=1e-4)
