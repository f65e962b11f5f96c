"""Models broken on purpose, trained on the demo set and served for real: each is refused, and told what is wrong."""

import re

import numpy as np
import pytest
import tensorflow as tf

from bench.measure import read_beats
from components.beat import CLASSES, SAMPLES, Beats
from components.beats.synthetic import write_demo_set
from components.evaluate.gate import gate_model
from components.evaluate.judge import CANDIDATE, CANDIDATE_NOISY, FROZEN, TRAINER, judge, noisy_signal
from components.evaluate.settings import EvaluateSettings, GateSettings
from components.train.calibrate import UNCALIBRATED
from components.train.data import Spool, TrainingData
from components.train.export import export_model, load_predict
from components.train.settings import TrainSettings
from components.train.trainer import train_clean
from components.transform.noise import add_noise
from pipeline.profiles import DEMO

pytestmark = pytest.mark.slow

TRAIN = TrainSettings.model_validate({**DEMO["train"], "epochs": 6})
EVALUATION = EvaluateSettings(draws=(1,), noise_levels=(0.0,), resamples=200)
BEAT = tf.TensorSpec((None, SAMPLES), tf.float32)


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> tuple[Beats, Beats]:
    """Train and test beats of the demo set."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo_set(folder)
    return read_beats([str(folder / "mitbih_train.csv")]), read_beats([str(folder / "mitbih_test.csv")])


@pytest.fixture(scope="module")
def standardise(demo):
    train, _ = demo
    mean, deviation = train.signal.mean(), train.signal.std()
    return tf.function(lambda signal: (signal - mean) / deviation).get_concrete_function(BEAT)


def train_on(train: Beats, standardise):
    columns = {name: np.asarray(standardise(tf.constant(train.signal[:300]))) for name in ("signal", "noisy")}
    validation = Spool(columns, train.label[:300])
    data = TrainingData(Spool({"clean": train.signal}, train.label), validation, standardise)
    model, _ = train_clean(data, TRAIN, "Trainer", "clean", 1.0, None)
    return model


@pytest.fixture(scope="module")
def sound(demo, standardise):
    """A network that was trained as it should be."""
    return train_on(demo[0], standardise)


@pytest.fixture
def verdict(demo, tmp_path):
    """What the gate says of a network that is served with some normalisation."""

    def of(model, normalise):
        export_model(model, TRAIN.network, normalise, str(tmp_path / "model"))
        _, test = demo
        predict = load_predict(str(tmp_path / "model"))
        models = dict.fromkeys((CANDIDATE, TRAINER, FROZEN), predict)
        judged = judge(test, models, noisy_signal, EVALUATION, "patient", True, UNCALIBRATED)
        answers = {"clean": judged.arrays[CANDIDATE], "noisy": judged.arrays[CANDIDATE_NOISY]}
        return gate_model(judged.judgement, test.label, answers, True, None, GateSettings())

    return of


def test_a_sound_model_is_let_out(sound, standardise, verdict):
    assert verdict(sound, standardise).refusals == []


def test_noise_at_serving_is_refused_although_the_figures_are_good(sound, standardise, verdict):
    noisy = tf.function(lambda signal: standardise(add_noise(signal, 0))).get_concrete_function(BEAT)
    [refusal] = verdict(sound, noisy).refusals
    assert "beats that differ by a millionth are answered differently" in refusal.sentence


def test_standardisation_missing_at_serving_is_refused(sound, verdict):
    identity = tf.function(tf.identity).get_concrete_function(BEAT)
    refusals = verdict(sound, identity).refusals
    assert any(re.match(r"Refused: accuracy on clean beats .*, required 85.00%\.", each.sentence) for each in refusals)


def test_shuffled_labels_are_refused(demo, standardise, verdict):
    train, _ = demo
    shuffled = Beats(train.signal, np.random.default_rng(0).permutation(train.label))
    refusals = verdict(train_on(shuffled, standardise), standardise).refusals
    assert any(each.sentence.startswith("Refused: macro-F1 on clean beats") for each in refusals)


def test_a_class_left_out_of_training_is_refused_by_its_name(demo, standardise, verdict):
    train, _ = demo
    symbol = CLASSES.index("F")
    kept = train.label != symbol
    model = train_on(Beats(train.signal[kept], train.label[kept]), standardise)
    sentences = [each.sentence for each in verdict(model, standardise).refusals]
    assert "Refused: recall of F 0.00, required 0.10." in sentences
