"""A precision is released if its answers to validation beats are those of float32; else it is refused in words."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from components.evaluate.settings import EvaluateSettings
from components.io.artifact_files import FLOAT32_FILE, INT8_FILE, SIDECAR_DIR
from components.push import precision
from components.push.model_card import model_card
from components.push.precision import refusal, stage_precisions
from components.score.model import RELEASED, model_place
from components.train.served import Answers, ServedModel
from tests.evaluate.tiny_model import some_beats
from tests.push.test_sidecars import DIGESTS, ROWS, judged

LABEL = np.arange(10_000) % 5
SETTINGS = EvaluateSettings()


def answered(clean=slice(0), noisy=slice(0)):
    """Answers that are right but for some of the clean and some of the noisy beats."""

    def wrong_at(beats: slice) -> Answers:
        predicted = LABEL.copy()
        predicted[beats] = (predicted[beats] + 1) % 5
        return Answers(np.eye(5, dtype=np.float32)[predicted], np.zeros(len(LABEL), bool))

    return {"clean": wrong_at(clean), "noisy": wrong_at(noisy)}


def test_changes_beyond_a_thousandth_of_the_answers_are_refused():
    told = refusal("int8", answered(slice(11), slice(10)), answered(), LABEL, 0)
    assert told == "int8 changes 0.105% of 20,000 answers to validation beats, clean and noisy, more than 0.1%."
    assert refusal("int8", answered(slice(2), slice(2)), answered(), LABEL, 0) is None


@pytest.mark.parametrize("kind", ["clean", "noisy"])
def test_a_loss_of_accuracy_beyond_its_interval_is_refused(kind):
    worse = answered(**{kind: slice(9)})
    told = refusal("bfloat16", worse, answered(), LABEL, 0)
    assert told is not None
    assert f"of accuracy on {kind} validation beats." in told
    assert refusal("bfloat16", answered(), worse, LABEL, 0) is None  # a gain


def test_a_loss_that_may_be_chance_is_released():
    assert refusal("int8", answered(slice(6)), answered(slice(9_996, 10_000)), LABEL, 0) is None


@pytest.fixture
def staged(quantised_model, tmp_path):
    """A copy of the model as it is before it is pushed, and what reads its beats."""
    folder = tmp_path / "model"
    shutil.copytree(quantised_model, folder, ignore=shutil.ignore_patterns("int8.tflite"))
    return folder


def read_beats(split):
    return some_beats({"train": 300, "eval": 120, "test": 80}[split], seed=len(split))


def test_with_few_beats_only_float32_is_released(staged):
    assert stage_precisions(staged, read_beats, SETTINGS) == {}
    assert (staged / FLOAT32_FILE).is_file()
    assert not (staged / INT8_FILE).exists()
    assert not (staged / SIDECAR_DIR / "precisions.json").exists()


def test_a_released_precision_leaves_its_model_and_its_figures(staged, monkeypatch):
    monkeypatch.setattr(precision, "LEAST_ANSWERS", 200)
    monkeypatch.setattr(precision, "is_native", lambda precision: True)
    monkeypatch.setattr(precision, "MOST_CHANGED", 0.2)
    told = stage_precisions(staged, read_beats, SETTINGS)
    assert (staged / INT8_FILE).is_file()
    assert json.loads((staged / SIDECAR_DIR / "precisions.json").read_text()) == told
    assert set(told) == {"int8", "bfloat16"}
    assert told["int8"]["refused"] is None
    clean = told["int8"]["test"]["clean"]
    assert clean["beats"] == 80
    assert abs(clean["own"]["accuracy"] - clean["float32"]["accuracy"]) <= clean["changed"] / 80
    assert clean["own"]["ece"] != clean["float32"]["ece"]
    card = model_card(judged(), ROWS, DIGESTS, {}, [], precisions=told)
    assert f"| int8 | 80 test | {clean['changed']} / " in card
    assert "- int8: released." in card


def test_a_refused_precision_leaves_no_model_and_says_why(staged, monkeypatch):
    monkeypatch.setattr(precision, "LEAST_ANSWERS", 200)
    monkeypatch.setattr(precision, "is_native", lambda precision: precision == "int8")
    monkeypatch.setattr(precision, "MOST_CHANGED", -1)
    told = stage_precisions(staged, read_beats, SETTINGS)
    assert not (staged / INT8_FILE).exists()
    assert "of 240 answers to validation beats" in told["int8"]["refused"]
    assert "does not compute it" in told["bfloat16"]["refused"]
    card = model_card(judged(), ROWS, DIGESTS, {}, [], precisions=told)
    assert f"- int8: {told['int8']['refused']}" in card
    assert "| bfloat16 |" not in card


def test_a_processor_without_the_instructions_pushes_float32_alone(staged, monkeypatch):
    monkeypatch.setattr(precision, "LEAST_ANSWERS", 200)
    monkeypatch.setattr(precision, "is_native", lambda precision: False)
    told = stage_precisions(staged, read_beats, SETTINGS)
    assert not (staged / INT8_FILE).exists()
    said = "The machine that pushed it does not compute it, so it was not measured."
    assert told == {"int8": {"refused": said}, "bfloat16": {"refused": said}}
    card = model_card(judged(), ROWS, DIGESTS, {}, [], precisions=told)
    assert f"beats)\n\n- int8: {said}\n- bfloat16: {said}\n\n## " in card


def test_a_model_of_context_stays_in_float32(tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "LEAST_ANSWERS", 200)
    folder = tmp_path / "model"
    shutil.copytree(model_place(RELEASED), folder, ignore=shutil.ignore_patterns("float32.*"))
    beats = read_beats("eval")
    context = np.random.default_rng(0).normal(size=(len(beats), ServedModel(str(folder)).context_width))
    with_context = replace(beats, context=context.astype(np.float32))
    assert stage_precisions(folder, lambda split: with_context, SETTINGS) == {}
    assert ServedModel(str(folder)).engine.startswith("OpenVINO ")
    assert not (folder / INT8_FILE).exists()


def test_a_model_that_openvino_answers_in_another_way_is_left_to_tensorflow(staged, monkeypatch):
    before = sorted(staged.rglob("*"))
    monkeypatch.setattr(precision, "TOLERANCE", -1)
    stage_precisions(staged, read_beats, SETTINGS)
    assert sorted(staged.rglob("*")) == before
    assert ServedModel(str(staged)).engine.startswith("TensorFlow ")
