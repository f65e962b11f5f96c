from __future__ import annotations

import numpy as np
import pytest

from components.beat import CLASSES
from components.evaluate.judge import CANDIDATE, FROZEN, TRAINER, judge, noisy_signal
from components.evaluate.settings import EvaluateSettings, GateSettings
from components.evaluate.tfma_config import eval_config
from components.io.examples import encode_examples
from components.train.calibrate import UNCALIBRATED
from components.train.export import load_predict
from tests.evaluate.tiny_model import save_tiny_model, some_beats, template_weights


@pytest.fixture(scope="module")
def evaluate(tmp_path_factory):
    """Run TFMA as the Evaluator does: (model dir, beats, gate) -> metrics by name, and whether it validated."""
    import tensorflow as tf
    import tensorflow_model_analysis as tfma

    def run(model, beats, gate):
        folder = tmp_path_factory.mktemp("evaluation")
        examples = str(folder / "data_tfrecord-00000-of-00001")
        with tf.io.TFRecordWriter(examples) as writer:
            for example in encode_examples(beats):
                writer.write(example)
        config = tfma.utils.update_eval_config_with_defaults(eval_config(gate), has_baseline=False, rubber_stamp=True)
        result = tfma.run_model_analysis(
            eval_shared_model=tfma.default_eval_shared_model(eval_saved_model_path=str(model), eval_config=config),
            eval_config=config,
            data_location=examples,
            output_path=str(folder / "out"),
        )
        told = result.slicing_metrics[0][1][""][""]
        validated = tfma.load_validation_result(str(folder / "out"))
        return told, validated.validation_ok

    return run


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("model") / "saved", template_weights())


def judged(model, beats):
    settings = EvaluateSettings(draws=(1,), noise_levels=(0.0,), resamples=100)
    predict = load_predict(str(model))
    models = {CANDIDATE: predict, TRAINER: predict, FROZEN: predict}
    return judge(beats, models, noisy_signal, settings, "patient", True, UNCALIBRATED).judgement["metrics"]["clean"]


def easy(**changed) -> GateSettings:
    nothing = {"clean_accuracy": 0, "clean_macro_f1": 0, "noisy_accuracy": 0, "noisy_macro_f1": 0}
    return GateSettings(**dict.fromkeys(("kaggle", "patient", "unknown", "synthetic"), nothing | changed))


@pytest.mark.parametrize("absent", ["", "F"])
def test_evaluator_and_judge_agree_where_they_overlap(evaluate, model, absent):
    beats = some_beats(300, absent=absent)
    told, ok = evaluate(model, beats, easy())
    ours = judged(model, beats)
    assert ok
    assert 0.5 < ours["accuracy"] < 0.99
    assert told["accuracy"]["doubleValue"] == pytest.approx(ours["accuracy"], abs=1e-6)
    assert told["loss"]["doubleValue"] == pytest.approx(ours["loss"], abs=1e-5)
    [matrix] = told["confusion"]["multiClassConfusionMatrixAtThresholds"]["matrices"]
    confusion = np.zeros((len(CLASSES), len(CLASSES)))
    for entry in matrix["entries"]:
        confusion[entry.get("actualClassId", 0), entry.get("predictedClassId", 0)] = entry["numWeightedExamples"]
    np.testing.assert_array_equal(confusion, ours["confusion"])


@pytest.mark.slow
def test_blessing_follows_the_accuracy(evaluate, model):
    beats = some_beats(200)
    value = judged(model, beats)["accuracy"]
    assert evaluate(model, beats, easy(clean_accuracy=value - 0.01))[1]
    assert not evaluate(model, beats, easy(clean_accuracy=value + 0.01))[1]


def test_least_accuracy_of_all_data_is_what_the_evaluator_asks():
    config = eval_config(GateSettings())
    bounds = {
        metric.class_name: metric.threshold.value_threshold.lower_bound.value
        for metric in config.metrics_specs[0].metrics
        if metric.HasField("threshold")
    }
    assert bounds == {"SparseCategoricalAccuracy": 0.75}
