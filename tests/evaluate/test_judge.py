from __future__ import annotations

import json

import numpy as np
import pytest

from components.beat import Beats
from components.errors import ModelRefused
from components.evaluate.calibration import calibration
from components.evaluate.judge import CANDIDATE, FROZEN, TRAINER, judge
from components.evaluate.metrics import measure
from components.evaluate.settings import EvaluateSettings
from components.train.calibrate import UNCALIBRATED, Certainty, shifted_classes
from tests.evaluate.tiny_model import answers_of, some_beats, template_weights

SETTINGS = EvaluateSettings(draws=(1, 2), noise_levels=(0.0, 0.1, 0.3), resamples=200)


def noise(signal, draw, sd):
    return signal + sd * np.random.default_rng(draw).standard_normal(signal.shape).astype(np.float32)


def models():
    weights = {CANDIDATE: template_weights(), TRAINER: template_weights(20), FROZEN: template_weights(40)[:, ::-1]}
    return {name: lambda signal, context=None, of=of: answers_of(signal, of) for name, of in weights.items()}


@pytest.fixture(scope="module")
def beats():
    return some_beats(250, absent="Q")


@pytest.fixture(scope="module")
def judged(beats):
    return judge(beats, models(), noise, SETTINGS, "patient", True, UNCALIBRATED)


def test_metrics_are_of_the_right_model_and_beats(judged, beats):
    told = judged.judgement["metrics"]
    by_name = models()
    for name, metrics in ((CANDIDATE, told), (TRAINER, told["trainer"]), (FROZEN, told["frozen"])):
        assert metrics["clean"] == measure(by_name[name](beats.signal), beats.label)
        pooled = np.concatenate([by_name[name](noise(beats.signal, draw, 0.05)) for draw in (1, 2)])
        assert metrics["noisy"] == measure(pooled, np.tile(beats.label, 2))
    assert set(told) == {"clean", "noisy", "trainer", "frozen"}
    assert set(told["clean"]) == {"accuracy", "loss", "macro_f1", "recall", "precision", "confusion"}


def test_noisy_beats_are_counted_once_a_draw(judged, beats):
    assert np.sum(judged.judgement["metrics"]["clean"]["confusion"]) == len(beats)
    assert np.sum(judged.judgement["metrics"]["noisy"]["confusion"]) == 2 * len(beats)
    assert judged.judgement["rows"] == len(beats)


def test_intervals_hold_their_values(judged):
    told = judged.judgement
    for kind in ("clean", "noisy"):
        metrics, intervals = told["metrics"][kind], told["intervals"][kind]
        for name in ("accuracy", "macro_f1"):
            assert intervals[name][0] < metrics[name] < intervals[name][1]
        for name, values in (("recall", metrics["recall"]), ("f1", told["f1"][kind])):
            for value, interval in zip(values[:4], intervals[name][:4], strict=True):
                assert interval[0] <= value <= interval[1]
            assert values[4] is None
            assert intervals[name][4] is None


def test_pooled_draws_do_not_make_intervals_narrower_than_beats_allow(judged, beats):
    intervals = judged.judgement["intervals"]
    widths = {kind: np.diff(intervals[kind]["recall"][0])[0] for kind in ("clean", "noisy")}
    assert widths["noisy"] > 0.8 * widths["clean"]


def test_noise_levels_start_with_clean_beats_and_fall(judged):
    levels = judged.judgement["noise_levels"]
    assert [level["sd"] for level in levels] == [0.0, 0.1, 0.3]
    assert levels[0]["accuracy"] == judged.judgement["metrics"]["clean"]["accuracy"]
    assert levels[2]["accuracy"] < levels[0]["accuracy"]


def test_judgement_is_json_and_says_where_beats_are_from(judged):
    told = json.loads(json.dumps(judged.judgement))
    assert (told["split"], told["synthetic"]) == ("patient", True)
    assert told["settings"]["noise_sd"] == 0.05
    assert set(told["calibration"]) == set(told["coverage"]) == {"clean", "noisy"}


def test_arrays_are_what_reports_and_gate_draw_on(judged, beats):
    np.testing.assert_array_equal(judged.arrays["label"], beats.label)
    by_name = models()
    for name in (CANDIDATE, TRAINER, FROZEN):
        np.testing.assert_array_equal(judged.arrays[name], by_name[name](beats.signal))
    first = by_name[CANDIDATE](noise(beats.signal, 1, 0.05))
    np.testing.assert_array_equal(judged.arrays["candidate_noisy"], first)


def test_answers_that_are_no_numbers_are_refused_in_words(beats):
    def diverged(signal, context=None):
        told = answers_of(signal, template_weights())
        told[:7] = np.nan
        return told

    with pytest.raises(ModelRefused, match="The trainer model answers 7 of 250 test beats with something that is not"):
        judge(beats, {**models(), TRAINER: diverged}, noise, SETTINGS, "patient", True, UNCALIBRATED)


@pytest.mark.parametrize("draws", [(1, 1), (-1,), ()])
def test_draws_are_numbers_each_once(draws):
    with pytest.raises(ValueError, match="draws"):
        EvaluateSettings(draws=draws)


def test_what_the_temperature_did_and_abstaining_gains_is_told_of_the_test_beats(beats):
    """The candidate's answers are those after the temperature: before it they were less sure, here, and as right."""
    certainty = Certainty(0.5, 0.8, (0.7, 0.1, 0.1, 0.1, 0.0), {"clean": 0.5, "noisy": 1.0})
    told = judge(beats, models(), noise, SETTINGS, "patient", True, certainty).judgement["certainty"]
    answers = models()[CANDIDATE](beats.signal)
    kept = answers.max(axis=1) >= 0.8
    assert 0 < kept.sum() < len(beats)
    assert told["temperature"] == 0.5
    assert told["clean"]["kept"] == pytest.approx(kept.mean())
    assert told["clean"]["kept_accuracy"] == pytest.approx((answers.argmax(axis=1) == beats.label)[kept].mean())
    shifted = shifted_classes(answers, np.array(certainty.priors), 0.5)
    assert told["clean"]["shifted_accuracy"] == pytest.approx((shifted == beats.label).mean())
    assert told["noisy"]["shift"] == 1.0
    before = answers**0.5 / (answers**0.5).sum(axis=1, keepdims=True)
    assert told["clean"]["before"]["ece"] == pytest.approx(calibration(before, beats.label, 10, 1)["ece"], abs=1e-6)


def test_a_model_that_always_abstains_has_no_accuracy_of_what_it_kept(beats):
    certainty = Certainty(1.0, 1.1, UNCALIBRATED.priors, UNCALIBRATED.shifts)
    told = judge(beats, models(), noise, SETTINGS, "patient", True, certainty).judgement["certainty"]
    assert (told["clean"]["kept"], told["clean"]["kept_accuracy"]) == (0, None)


def test_models_that_read_context_are_given_it_for_every_question(beats):
    context = np.linspace(0, 1, 3 * len(beats), dtype=np.float32).reshape(-1, 3)
    asked = []

    def predict(signal, context):
        asked.append((len(signal), context))
        return answers_of(signal, template_weights())

    with_context = Beats(beats.signal, beats.label, None, context)
    judge(with_context, dict.fromkeys(models(), predict), noise, SETTINGS, "patient", True, UNCALIBRATED)
    *told, nudged = asked
    assert all(rows == len(given) == len(beats) and (given == context).all() for rows, given in told)
    assert nudged[1] == pytest.approx(context, rel=2e-6)
    assert not (nudged[1] == context).all()
