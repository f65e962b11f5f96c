"""A served model answers the same in every precision, within a tolerance, and the same bytes for every batch."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf

from components.beats.context import CONTEXT_FORM
from components.push.precision import write_float32
from components.score.model import RELEASED, model_place
from components.train import served
from components.train.served import FAST_PRECISIONS, OPENVINO_BEATS, ServedModel, is_native
from tests.evaluate.tiny_model import some_beats
from tests.train.quantised_model import THRESHOLD

SIGNAL = some_beats(25 * OPENVINO_BEATS + 5, seed=2).signal
NATIVE = [
    pytest.param(each, marks=pytest.mark.skipif(not is_native(each), reason=f"this processor does not compute {each}"))
    for each in FAST_PRECISIONS
]
EVERY = ["float32", *NATIVE]
TOLERANCE = {"int8": 0.015, "bfloat16": 0.005}
"""Mean change of a probability from that of float32, of a network that is never sure."""


@pytest.fixture(scope="module")
def model_dir(quantised_model):
    return str(quantised_model)


@pytest.fixture(scope="module")
def expected(model_dir):
    """What TensorFlow answers in float32."""
    return ServedModel(model_dir).answers(SIGNAL, 50)


@pytest.fixture(scope="module")
def pushed(quantised_model, tmp_path_factory):
    """The model as it is pushed, with all of OpenVINO's files."""
    folder = tmp_path_factory.mktemp("pushed") / "1700000000"
    shutil.copytree(quantised_model, folder)
    write_float32(folder)
    return str(folder)


def test_openvino_answers_as_tensorflow_in_float32(pushed, expected):
    model = ServedModel(pushed)
    assert model.engine.startswith("OpenVINO ")
    found = model.answers(SIGNAL, 50)
    np.testing.assert_allclose(found.probabilities, expected.probabilities, rtol=0, atol=1e-5)
    assert (found.abstain == (found.probabilities.max(axis=1) < np.float32(THRESHOLD))).all()
    assert found.abstain.any()


def test_the_released_model_answers_alike_by_openvino_and_by_tensorflow(tmp_path):
    shutil.copytree(model_place(RELEASED), tmp_path / "1", ignore=shutil.ignore_patterns("float32.*"))
    context = np.random.default_rng(0).normal(0, 3, (len(SIGNAL), len(CONTEXT_FORM.names))).astype(np.float32)
    found, expected = (ServedModel(folder) for folder in (model_place(RELEASED), str(tmp_path / "1")))
    assert (found.engine[:8], expected.engine[:10]) == ("OpenVINO", "TensorFlow")
    assert found.context_width == expected.context_width == context.shape[1]
    answers = [model.answers(SIGNAL, 1000, context) for model in (found, expected)]
    np.testing.assert_allclose(answers[0].probabilities, answers[1].probabilities, rtol=0, atol=1e-5)
    assert (answers[0].abstain == answers[1].abstain).mean() > 0.999


@pytest.mark.parametrize("precision", NATIVE)
def test_fewer_bits_answer_about_as_float32(model_dir, expected, precision):
    assert 0.4 < expected.probabilities.max(axis=1).mean() < 0.95
    found = ServedModel(model_dir, precision).answers(SIGNAL, 50)
    assert found.probabilities.shape == (len(SIGNAL), 5)
    difference = np.abs(found.probabilities - expected.probabilities).mean()
    assert 0 < difference <= TOLERANCE[precision]
    assert (found.predicted == expected.predicted).mean() > 0.9
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-5)
    assert (found.abstain == (found.probabilities.max(axis=1) < np.float32(THRESHOLD))).all()


@pytest.mark.parametrize("precision", EVERY)
def test_the_bytes_are_the_same_for_every_batch(pushed, precision):
    model = ServedModel(pushed, precision)
    whole = model.answers(SIGNAL, 1000)
    for batch in (1, 7, OPENVINO_BEATS, 100):
        found = model.answers(SIGNAL[:130], batch)
        np.testing.assert_array_equal(found.probabilities, whole.probabilities[:130])
        np.testing.assert_array_equal(found.abstain, whole.abstain[:130])
    assert model.answers(SIGNAL[:0], 8).probabilities.shape == (0, 5)


@pytest.mark.parametrize("precision", NATIVE)
def test_a_model_of_another_precision_in_the_process_changes_nothing(model_dir, expected, precision):
    reference, other = ServedModel(model_dir), ServedModel(model_dir, precision)
    before = other.answers(SIGNAL, 50).probabilities
    plain = tf.saved_model.load(model_dir).signatures["beats"](signal=tf.constant(SIGNAL[:50]))["probabilities"]
    np.testing.assert_allclose(plain, expected.probabilities[:50], atol=1e-5)  # what is no ServedModel, either
    np.testing.assert_array_equal(reference.answers(SIGNAL, 50).probabilities, expected.probabilities)
    np.testing.assert_array_equal(other.answers(SIGNAL, 50).probabilities, before)


@pytest.mark.parametrize("precision", EVERY)
def test_threads_that_share_a_model_get_the_same_bytes(pushed, precision):
    model = ServedModel(pushed, precision)
    whole = model.answers(SIGNAL, 50).probabilities
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda signal: model.answers(signal, 50).probabilities, [SIGNAL] * 12):
            np.testing.assert_array_equal(found, whole)


INTERRUPTED = """
import faulthandler, signal, sys
import numpy as np
from components.train.served import ServedModel
faulthandler.enable()
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` has it ignored
first, second = (ServedModel(sys.argv[1], "int8") for _ in range(2))
del first
second.answers(np.zeros((1, 187), np.float32), 1)
del second
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.skipif(not is_native("int8"), reason="this processor does not compute int8")
def test_models_that_come_and_go_leave_ctrl_c_alone(model_dir):
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, model_dir], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr


def test_a_processor_without_the_instructions_is_known(monkeypatch):
    monkeypatch.setattr(served, "INSTRUCTIONS", {"int8": {"no such flag"}})
    assert is_native("float32")
    assert not is_native("int8")
