"""A network that reads the context of beats, through the stages that train, and as it is served."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.beat import SAMPLES, Beats
from components.beats.context import CONTEXT_NAMES, CONTEXT_VERSION
from components.errors import DataRefused
from components.io.examples import encode_examples
from components.train import finetuner, trainer
from components.train.calibrate import read_certainty
from components.train.export import load_predict
from components.train.settings import FineTunerConfig, FineTuneSettings, NetworkSettings, TrainerConfig, TrainSettings
from tests.train.conftest import make_beats, make_context

NETWORK = NetworkSettings(name="context", towers=2, context_units=(16,), head_units=8, dropout=0.1)
TRAIN = TrainSettings(network=NETWORK, epochs=3, batch=16, learning_rate=2e-2, seed=4)


@pytest.fixture(scope="module")
def served(tmp_path_factory, fn_args_for, transformed_context) -> Path:
    """The folder of a FineTuner's run on a Trainer's model."""
    first, second = tmp_path_factory.mktemp("trainer"), tmp_path_factory.mktemp("finetuner")
    trainer.run_fn(fn_args_for(first, TrainerConfig(train=TRAIN), transformed_context))
    tune = FineTuneSettings(head_epochs=2, epochs=3, refit_epochs=1, head_learning_rate=2e-2, learning_rate=2e-2)
    config, base = FineTunerConfig(train=TRAIN, finetune=tune), f"{first}/model/Format-Serving"
    finetuner.run_fn(fn_args_for(second, config, transformed_context, base_model=base))
    return second


@pytest.mark.slow
def test_it_learns_from_context_alone_and_answers_as_its_signatures_say(served):
    folder = f"{served}/model/Format-Serving"
    signal, label = make_beats(60, 3)
    context = make_context(label, 3)
    predict = load_predict(folder, batch=32)
    probabilities = predict(signal, context)
    assert (probabilities.argmax(axis=1) == label).mean() > 0.8
    np.testing.assert_allclose(predict(np.zeros_like(signal), context), probabilities, atol=1e-6)
    model = tf.saved_model.load(folder)
    inputs = model.signatures["beats"].structured_input_signature[1]
    assert {name: each.shape.as_list() for name, each in inputs.items()} == {
        "signal": [None, SAMPLES],
        "context": [None, len(CONTEXT_NAMES)],
    }
    examples = encode_examples(Beats(signal, label, None, context))
    answers = model.signatures["serving_default"](examples=tf.constant(examples))
    np.testing.assert_allclose(answers["probabilities"], probabilities, atol=1e-6)
    threshold = np.float32(read_certainty(f"{served}/run").threshold)
    assert (answers["abstain"].numpy() == (answers["probabilities"].numpy().max(axis=1) < threshold)).all()


@pytest.mark.slow
def test_a_missing_number_counts_as_the_mean(served):
    predict = load_predict(f"{served}/model/Format-Serving")
    signal, label = make_beats(5, 3)
    context = make_context(label, 3)
    context[:, 2] = np.nan
    assert np.isfinite(predict(signal, context)).all()


@pytest.mark.slow
def test_it_says_which_context_it_reads(served):
    content = json.loads((served / "model/Format-Serving/assets.extra/heartbeat/context.json").read_text())
    assert content == {"version": CONTEXT_VERSION, "names": list(CONTEXT_NAMES)}


@pytest.mark.slow
@pytest.mark.parametrize("numbers", [0, 3])
def test_beats_without_its_context_are_an_error(served, numbers):
    predict = load_predict(f"{served}/model/Format-Serving")
    signal, _ = make_beats(5, 3)
    context = np.zeros((5, numbers), np.float32) if numbers else None
    with pytest.raises(ValueError, match=f"it reads a context of {len(CONTEXT_NAMES)} numbers a beat, and these"):
        predict(signal, context)


def test_examples_without_context_are_refused(fn_args_for, tmp_path):
    with pytest.raises(DataRefused, match=r"reads the context of beats, which is not here: set data.context=true"):
        trainer.run_fn(fn_args_for(tmp_path, TrainerConfig(train=TRAIN)))


def test_a_model_of_samples_has_the_signature_that_it_had(trained):
    folder = trained / "model/Format-Serving"
    inputs = tf.saved_model.load(str(folder)).signatures["beats"].structured_input_signature[1]
    assert list(inputs) == ["signal"]
    assert not (folder / "assets.extra/heartbeat/context.json").exists()
