from __future__ import annotations

import numpy as np
import pytest

from components.errors import EnvironmentRefused
from components.evaluate import gate, judge
from components.evaluate.gate import current_model
from components.io.serving import ServingDirectory
from components.transform.noise import add_noise
from tests.evaluate.tiny_model import answers_of, save_tiny_model, some_beats, template_weights


@pytest.fixture(scope="module")
def beats():
    return some_beats(30)


def test_nothing_pushed_no_baseline(tmp_path, beats):
    assert current_model(str(tmp_path / "serving"), beats, beats.signal) is None


def test_the_newest_push_is_asked(tmp_path, beats):
    weights = [template_weights(), template_weights(10)]
    for now, of in enumerate(weights, start=1):
        ServingDirectory(str(tmp_path / "serving")).push(save_tiny_model(tmp_path / str(now), of), lambda now=now: now)
    noisy = beats.signal + np.float32(0.01)
    current = current_model(str(tmp_path / "serving"), beats, noisy)
    assert (current.version, current.synthetic) == (2, False)
    np.testing.assert_allclose(current.clean, answers_of(beats.signal, weights[1]), atol=1e-6)
    np.testing.assert_allclose(current.noisy, answers_of(noisy, weights[1]), atol=1e-6)


def test_what_is_no_model_of_ours_is_refused_in_words(tmp_path, beats):
    import tensorflow as tf

    tf.saved_model.save(tf.Module(), str(tmp_path / "other"))
    ServingDirectory(str(tmp_path / "serving")).push(tmp_path / "other", lambda: 4.0)
    with pytest.raises(EnvironmentRefused, match=r"Version 4 in .*serving cannot be asked"):
        current_model(str(tmp_path / "serving"), beats, beats.signal)


def test_noise_in_blocks_is_the_noise_of_the_whole(monkeypatch, beats):
    monkeypatch.setattr(judge, "BLOCK", 7)
    whole = add_noise(beats.signal, 3, 0.1).numpy()
    np.testing.assert_array_equal(judge.noisy_signal(beats.signal, 3, 0.1), whole)


def test_a_model_that_reads_context_is_not_compared_on_beats_without_it(tmp_path, beats, monkeypatch):
    ServingDirectory(str(tmp_path / "serving")).push(save_tiny_model(tmp_path / "one", template_weights()), lambda: 1.0)

    def predict(signal, context):
        raise ValueError(f"it reads a context, and these beats have {context}")

    monkeypatch.setattr(gate, "load_predict", lambda folder: predict)
    with pytest.raises(EnvironmentRefused, match=r"cannot be asked \(it reads a context, and these beats have None\)"):
        current_model(str(tmp_path / "serving"), beats, beats.signal)
