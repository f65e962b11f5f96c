from __future__ import annotations

import json

import numpy as np
import pytest

from components.beat import Beats
from components.evaluate.gate import Current, _below, gate_model
from components.evaluate.judge import CANDIDATE, CANDIDATE_NOISY, FROZEN, TRAINER, judge
from components.evaluate.settings import EvaluateSettings, GateSettings
from components.train.calibrate import UNCALIBRATED
from components.verdict import SAME_PATIENTS, SYNTHETIC, of_kind, read_verdict
from tests.evaluate.tiny_model import answers_of, some_beats, template_weights

SETTINGS = EvaluateSettings(draws=(1,), noise_levels=(0.0,), resamples=500)
GOOD = template_weights()
LEVEL = {"clean_accuracy": 0.7, "clean_macro_f1": 0.7, "noisy_accuracy": 0.6, "noisy_macro_f1": 0.6}
GATE = GateSettings.model_validate(
    {"kaggle": {**LEVEL, "recall": dict.fromkeys("NSVFQ", 0.6)}, "synthetic": {**LEVEL, "recall": {"N": 0.6}}}
)


def sentences(verdict):
    return [each.sentence for each in verdict]


def codes(verdict):
    return {each.code for each in verdict}


def noise(signal, draw, sd):
    return signal + sd * np.random.default_rng(draw).standard_normal(signal.shape).astype(np.float32)


def answering(weights, spoil=lambda told: told):
    return lambda signal, context=None: spoil(answers_of(signal, weights))


@pytest.fixture(scope="module")
def beats():
    return some_beats(600)


def decide(beats, predict, current=None, gate=GATE, blessed=True, split="kaggle", synthetic=False):
    models = dict.fromkeys((CANDIDATE, TRAINER, FROZEN), predict)
    judged = judge(beats, models, noise, SETTINGS, split, synthetic, UNCALIBRATED)
    answers = {"clean": judged.arrays[CANDIDATE], "noisy": judged.arrays[CANDIDATE_NOISY]}
    return gate_model(judged.judgement, beats.label, answers, blessed, current, gate)


def serving(beats, predict, synthetic=False, version=7):
    return Current(version, predict(beats.signal), predict(noise(beats.signal, 1, 0.05)), synthetic)


def test_a_good_model_is_let_out_with_its_figures(beats):
    decision = decide(beats, answering(GOOD))
    assert not decision.refusals
    [release] = of_kind("release", decision.verdict)
    assert release.sentence.startswith("Approved: accuracy ")
    assert "on clean test beats" in release.sentence
    assert "no_current" in codes(decision.verdict)
    told = json.loads(json.dumps(decision.to_json()))
    assert read_verdict(told["verdict"]) == list(decision.verdict)
    assert told["thresholds"]["clean_accuracy"] == 0.7
    assert told["comparison"] is None


def test_shuffled_probabilities_are_refused(beats):
    rng = np.random.default_rng(0)
    decision = decide(beats, answering(GOOD, lambda told: rng.permutation(told)))
    assert "threshold" in codes(decision.refusals)
    assert any("accuracy on clean beats" in each.sentence for each in decision.refusals)
    assert any("required 70.00%" in each.sentence for each in decision.refusals)
    assert not of_kind("release", decision.verdict)


def test_a_model_that_answers_at_random_is_refused_whatever_its_figures(beats):
    rng = np.random.default_rng(0)
    decision = decide(beats, answering(GOOD, lambda told: told * rng.uniform(0.95, 1, told.shape).astype(np.float32)))
    [refusal] = decision.refusals
    assert refusal.code == "unsteady"
    assert refusal.sentence.startswith("Refused: beats that differ by a millionth are answered differently, by 0.0")


def test_a_model_that_is_no_better_than_calling_every_beat_n_is_refused(beats):
    rare = some_beats(600, shares=(0.9, 0.04, 0.04, 0.01, 0.01))
    anything = GateSettings.model_validate(
        {"kaggle": dict.fromkeys(LEVEL, 0.0) | {"recall": dict.fromkeys("NSVFQ", 0.0)}}
    )
    assert not decide(rare, answering(GOOD), gate=anything).refusals
    all_n = decide(
        rare, lambda signal, context=None: np.tile(np.float32([1, 0, 0, 0, 0]), (len(signal), 1)), gate=anything
    )
    assert [each.code for each in all_n.refusals] == ["no_better_than_all_n"] * 2
    share = f"{(rare.label == 0).mean():.2%}"
    assert all_n.refusals[0].sentence == (
        f"Refused: accuracy on clean beats {share}, calling every beat N gives {share}."
    )
    assert all_n.refusals[1].sentence.startswith("Refused: mean F1 of N, S, V on clean beats 0.3")

    def eager(told):  # finds S and V, and calls every seventh beat S
        told = told.copy()
        told[::7] = [0, 1, 0, 0, 0]
        return told

    [refusal] = decide(rare, answering(GOOD, eager), gate=anything).refusals
    assert refusal.sentence.startswith("Refused: accuracy on clean beats 77.33%, calling every beat N gives 89.17%")


def drop(of):
    def spoilt(told):
        told = told.copy()
        told[:, of] = 0
        return told / told.sum(axis=1, keepdims=True)

    return spoilt


@pytest.mark.parametrize(("of", "symbol"), enumerate("NSVFQ"))
def test_a_model_that_dropped_a_class_is_refused_by_its_name(beats, of, symbol):
    decision = decide(beats, answering(GOOD, drop(of)))
    assert f"Refused: recall of {symbol} 0.00, required 0.60." in sentences(decision.refusals)


def test_refusal_of_a_class_says_what_the_current_model_has(beats):
    current = serving(beats, answering(GOOD))
    decision = decide(beats, answering(GOOD, drop(3)), current)
    has = np.mean(current.clean.argmax(axis=1)[beats.label == 3] == 3)
    assert f"Refused: recall of F 0.00, required 0.60; the current model has {has:.2f}." in sentences(decision.refusals)


@pytest.mark.parametrize("name", ["clean_accuracy", "clean_macro_f1", "noisy_accuracy", "noisy_macro_f1"])
def test_each_threshold_alone_refuses(beats, name):
    gate = GateSettings.model_validate({"kaggle": {**LEVEL, name: 1.0, "recall": dict.fromkeys("NSVFQ", 0.0)}})
    [reason] = decide(beats, answering(GOOD), gate=gate).refusals
    kind, metric = name.split("_", 1)
    assert reason.code == "threshold"
    assert reason.sentence.startswith(f"Refused: {metric.replace('macro_f1', 'macro-F1')} on {kind} beats")


def test_worse_than_the_current_model_beyond_chance_is_refused_though_above_every_threshold(beats):
    def sometimes_wrong(told):
        rows = np.random.default_rng(1).random(len(told)) < 0.08  # the same rows whenever it is asked
        return np.where(rows[:, None], np.roll(told, 1, axis=1), told)

    decision = decide(beats, answering(GOOD, sometimes_wrong), serving(beats, answering(GOOD)))
    assert codes(decision.refusals) == {"worse_than_current"}
    assert "the current model (version 7) has" in decision.refusals[0].sentence
    low, high = decision.comparison["differences"]["clean_accuracy"]["interval"]
    assert low < decision.comparison["differences"]["clean_accuracy"]["difference"] < high < 0


def test_worse_within_chance_is_let_out_and_said(beats):
    def once_wrong(told):
        told = told.copy()
        told[:2] = np.roll(told[:2], 1, axis=1)
        return told

    decision = decide(beats, answering(GOOD, once_wrong), serving(beats, answering(GOOD)))
    assert not decision.refusals
    compared = [each for each in decision.verdict if each.code == "compared"]
    assert len(compared) == 4
    assert all("the current model (version 7) has" in each.sentence for each in compared)


def test_the_same_model_again_is_let_out(beats):
    decision = decide(beats, answering(GOOD), serving(beats, answering(GOOD)))
    assert not decision.refusals
    assert decision.comparison["differences"]["noisy_macro_f1"] == {"difference": 0.0, "interval": [0.0, 0.0]}


def test_unblessed_is_refused_even_when_nothing_else_is_wrong(beats):
    [reason] = decide(beats, answering(GOOD), blessed=False).refusals
    assert reason.code == "not_blessed"


@pytest.mark.parametrize(
    ("split", "synthetic", "caveat"),
    [
        ("patient", True, SYNTHETIC),
        ("kaggle", False, SAME_PATIENTS["kaggle"]),
        ("unknown", False, SAME_PATIENTS["unknown"]),
    ],
)
def test_every_verdict_begins_with_what_the_beats_are(beats, split, synthetic, caveat):
    for spoil in (lambda told: told, drop(0)):
        decision = decide(beats, answering(GOOD, spoil), split=split, synthetic=synthetic)
        assert decision.verdict[0] == caveat


def test_patient_split_of_real_beats_begins_with_the_verdict(beats):
    gate = GateSettings.model_validate({"patient": {**LEVEL, "clean_accuracy": 0.91, "noisy_accuracy": 1.0}})
    verdict = decide(beats, answering(GOOD), gate=gate, split="patient").verdict
    assert codes(of_kind("caveat", verdict)) == {"changed"}
    assert next(each for each in verdict if each.kind != "caveat").kind == "refusal"


def test_an_evaluation_that_is_not_the_usual_one_is_told(beats):
    changed = [each.sentence for each in decide(beats, answering(GOOD)).verdict if each.code == "changed"]
    assert f"The evaluation was changed: draws is {SETTINGS.draws}, its default is (1, 2, 3, 4, 5)." in changed
    assert not any("noise_sd is" in sentence for sentence in changed)


def test_a_lowered_gate_is_told_number_by_number(beats):
    decision = decide(beats, answering(GOOD))
    assert "The gate was lowered: clean_accuracy is 0.7, its default is 0.985." in sentences(decision.verdict)
    assert "The gate was lowered: recall.S is 0.6, its default is 0.74." in sentences(decision.verdict)


def test_defaults_and_raised_thresholds_are_not_called_lowered(beats):
    for gate in (GateSettings(), GateSettings.model_validate({"kaggle": {"clean_accuracy": 0.999}})):
        assert "lowered" not in codes(decide(beats, answering(GOOD), gate=gate).verdict)


def test_a_class_without_test_beats_is_not_judged_and_said():
    beats = some_beats(400, absent="Q")
    decision = decide(beats, answering(GOOD))
    assert not decision.refusals
    assert "There is no Q among the test beats: its recall is not judged." in sentences(decision.verdict)


def test_a_model_of_simulated_beats_that_takes_a_real_ones_place_is_told(beats):
    decision = decide(beats, answering(GOOD), serving(beats, answering(GOOD)), split="patient", synthetic=True)
    assert "replaces_real" in codes(decision.verdict)


def test_a_miss_by_a_hair_is_told_with_the_digits_it_takes():
    assert _below("accuracy", 0.98498, 0.985) == "98.4980%, required 98.5000%"
    assert _below("recall", 0.61, 0.7) == "0.61, required 0.70"


def decide_by_record(record, wrong, gate=None):
    """The gate on beats of these records, a patient split, of which some are answered wrongly, V in place of N."""
    label = np.tile([0, 0, 0, 0, 2], len(record))
    beats = Beats(np.zeros((len(label), 187), np.float32), label, tuple(np.repeat(record, 5)))
    answers = np.eye(5, dtype=np.float32)[np.where(wrong, 2, label)]
    anything = {"clean_accuracy": 0, "clean_macro_f1": 0, "noisy_accuracy": 0, "noisy_macro_f1": 0}
    allowed = GateSettings.model_validate({"patient": {**anything, "recall": dict.fromkeys("NSVFQ", 0)}})
    return decide(beats, lambda signal, context=None: answers[: len(signal)], gate=allowed, split="patient")


def test_on_new_patients_a_model_must_beat_all_n_by_more_than_chance_among_records():
    record, wrong = [f"r{number}" for number in range(10)], np.zeros(50, bool)
    assert not decide_by_record(record, wrong).refusals
    wrong[np.arange(9) * 5] = True  # one N in nine records: gross better than all N, but by one record
    [refusal] = decide_by_record(record, wrong).refusals
    assert refusal.code == "no_better_than_all_n"
    assert refusal.sentence == (
        "Refused: accuracy on clean beats 82.00%, calling every beat N gives 80.00% (over 10 records the difference "
        "lies in +0.0000 .. +0.0600, 95 %)."
    )
