from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.errors import HeartbeatError
from components.report.attention import FLOOR, attribute, redraw_weights
from components.train.export import export_model
from components.train.networks import build_network
from components.train.settings import NetworkSettings
from tests.evaluate.tiny_model import answers_of, save_tiny_model, some_beats, template_weights


def test_attributions_add_up_to_the_difference_in_log_probability(tmp_path_factory: pytest.TempPathFactory) -> None:
    weights, beats = template_weights(), some_beats(6)
    model = save_tiny_model(tmp_path_factory.mktemp("model") / "saved", weights)
    baseline = beats.signal.mean(axis=0)
    found = attribute(str(model), beats.signal, baseline, beats.label)
    asked = np.arange(6), beats.label
    at_beat = np.log(answers_of(beats.signal, weights)[asked] + FLOOR)
    at_baseline = np.log(answers_of(baseline[None], weights)[0, beats.label] + FLOOR)
    np.testing.assert_allclose(found.learnt.sum(axis=1), at_beat - at_baseline, atol=0.02)


def test_a_model_that_looks_at_one_place_is_seen_to_and_its_control_is_not(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    beats = some_beats(5)
    weights = np.zeros_like(template_weights())
    weights[30:40, 2] = 5.0
    model = save_tiny_model(tmp_path_factory.mktemp("model") / "saved", weights)
    found = attribute(str(model), beats.signal, np.zeros(187, np.float32), np.full(5, 2))
    elsewhere = np.r_[0:30, 40:187]
    assert np.abs(found.learnt[:, elsewhere]).max() == 0
    assert np.abs(found.learnt[:, 30:40]).sum() > 0
    assert np.abs(found.control[:, elsewhere]).sum() > 0
    assert found.likeness().max() < 0.8


def test_the_control_of_an_exported_network_has_learnt_nothing(tmp_path: Path) -> None:
    """None of the kernels that its answers come from is as it was."""
    network = NetworkSettings(towers=1, stem_filters=4, block_filters=(4,), head_units=4)
    as_it_is = tf.function(lambda signal: signal).get_concrete_function(tf.TensorSpec((None, 187), tf.float32))
    export_model(build_network(network), network, as_it_is, str(tmp_path / "saved"))
    model = tf.saved_model.load(str(tmp_path / "saved"))
    served = model.signatures["beats"].variables
    kernels = [variable for variable in served if len(variable.shape) > 1]
    assert len(kernels) == 1 + 3 + 2  # the stem's, the block's, the head's
    before = [kernel.numpy() for kernel in kernels]
    redraw_weights(model)
    assert not any(np.array_equal(kernel.numpy(), old) for kernel, old in zip(kernels, before, strict=True))


def test_a_model_without_weights_has_no_control() -> None:
    with pytest.raises(HeartbeatError, match="does not expose its weights"):
        redraw_weights(tf.Module())
