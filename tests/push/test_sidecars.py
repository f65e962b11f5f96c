from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from components.beat import ContextForm
from components.evaluate.judge import CANDIDATE, FROZEN, TRAINER, judge
from components.evaluate.settings import EvaluateSettings
from components.io.artifact_files import CONTEXT_FILE
from components.io.code_digest import code_digest
from components.push.histogram import BINS, CACHED, count_samples, histogram_json
from components.push.model_card import model_card
from components.push.sidecars import Sidecars, stage_version
from components.train.calibrate import UNCALIBRATED
from components.verdict import SAME_PATIENTS, SYNTHETIC, Verdict
from tests.evaluate.tiny_model import answers_of, some_beats, template_weights
from tests.io.test_serving import a_model, contents

DIGESTS = {
    "model": "ab" * 32,
    "code": "cd" * 32,
    "settings": "ef" * 32,
    "data": {"train": "12" * 32, "test": "34" * 32},
}
SETTINGS = {"profile": "full", "train": {"epochs": 12}, "finetune": {"epochs": 36}, "gate": {"kaggle": {}}}
ROWS = {"train": 87_554, "eval": 8_000, "test": 300, "rejects": 0}


def judged(split="kaggle", synthetic=False, absent="", records=False):
    def predict(signal, context=None):
        return answers_of(signal, template_weights())

    models = dict.fromkeys((CANDIDATE, TRAINER, FROZEN), predict)
    settings = EvaluateSettings(draws=(1,), noise_levels=(0.0,), resamples=100)
    beats = some_beats(300, absent=absent)
    if records:
        beats = replace(beats, record=tuple(f"r{row % 5}" for row in range(300)))
    return judge(
        beats, models, lambda signal, draw, sd: signal + sd, settings, split, synthetic, UNCALIBRATED
    ).judgement


@pytest.fixture
def known(tmp_path):
    (tmp_path / "FeatureStats.pb").write_bytes(b"statistics")
    return Sidecars(
        judgement=judged(),
        verdict=[Verdict("release", "released", "Approved: a sentence.")],
        rows=ROWS,
        data_digests={"train": "aa", "test": "bb"},
        settings='{"profile": "full"}',
        statistics=tmp_path / "FeatureStats.pb",
        counts=np.arange(BINS),
    )


@pytest.fixture
def model(tmp_path):
    model = a_model(tmp_path / "model")
    (model / "assets.extra" / "heartbeat" / "model.keras").write_bytes(b"keras")
    return model


def test_a_staged_version_is_the_model_and_what_is_known_of_it(model, known, tmp_path):
    digest = stage_version(model, tmp_path / "staged", known)
    staged = contents(tmp_path / "staged")
    beside = {name.rsplit("/", 1)[1]: held for name, held in staged.items() if name.startswith("assets.extra/")}
    assert staged["saved_model.pb"] == b"one"
    assert beside["model.keras"] == b"keras"
    assert beside["stats.pb"] == b"statistics"
    digests = json.loads(beside["digests.json"])
    assert digests["model"] == digest
    assert digests["code"] == code_digest()
    assert digests["settings"] == hashlib.sha256(b'{"profile": "full"}').hexdigest()
    assert json.loads(beside["metrics.json"]) == json.loads(json.dumps(known.judgement))
    assert json.loads(beside["histogram.json"])["counts"] == list(range(BINS))
    assert "- Approved: a sentence." in beside["model_card.md"].decode()


def test_a_model_without_its_keras_file_is_not_staged(known, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"model\.keras"):
        stage_version(a_model(tmp_path / "model"), tmp_path / "staged", known)


def test_histogram_by_hand():
    signal = np.array([[0.0, 0.0, 1 / 32, 0.03, 0.5, 0.999, 1.0]], np.float32)
    counts = count_samples([signal, np.zeros((0, 7), np.float32), signal])
    assert {index: count for index, count in enumerate(counts) if count} == {0: 6, 1: 2, 16: 2, 31: 4}
    assert histogram_json(counts)["bins"] == 32


def test_histogram_is_numpys():
    rng = np.random.default_rng(0)
    blocks = [rng.random((rows, 187)).astype(np.float32) for rows in (5, 1, 2 * CACHED // 187 + 2)]
    expected, _ = np.histogram(np.concatenate(blocks), bins=BINS, range=(0, 1))
    np.testing.assert_array_equal(count_samples(blocks), expected)


def test_card_of_kaggles_beats_names_the_patients_and_the_split():
    card = model_card(judged(), ROWS, DIGESTS, SETTINGS, [])
    assert card.startswith("# ECG heartbeat classifier abababababab\n")
    assert "47 patients of the MIT-BIH" in card
    assert SAME_PATIENTS["kaggle"].sentence in card
    assert "Not a medical device" in card
    assert "87,554 training beats, 8,000 validation beats, 300 test beats." in card
    assert "SYNTHETIC" not in card


def test_card_says_that_the_last_epochs_used_the_validation_beats_for_training():
    refitted = SETTINGS | {"finetune": {"epochs": 36, "refit_epochs": 10}}
    card = model_card(judged(), ROWS, DIGESTS, refitted, [])
    assert "8,000 validation beats (also used for training at the end, for 10 epochs" in card


def test_card_of_synthetic_beats_begins_with_it_and_names_no_real_data():
    card = model_card(judged(split="patient", synthetic=True), ROWS, DIGESTS, SETTINGS, [])
    assert card.splitlines()[2] == f"**{SYNTHETIC.sentence}**"
    assert "MIT-BIH" not in card
    assert "47 patients" not in card


def test_card_of_unknown_beats_says_no_origin():
    card = model_card(judged(split="unknown"), ROWS, DIGESTS, SETTINGS, [])
    assert "How train and test were split is not known" in card
    assert "47 patients" not in card


def test_card_gives_figures_with_intervals_and_says_which_class_is_missing():
    told = judged(absent="Q")
    card = model_card(told, ROWS, DIGESTS, SETTINGS, [])
    [row] = [line for line in card.splitlines() if line.startswith("| F (fusion)")]
    recall, (low, high) = told["metrics"]["clean"]["recall"][3], told["intervals"]["clean"]["recall"][3]
    assert f"{recall:.3f} ({low:.3f}-{high:.3f})" in row
    [row] = [line for line in card.splitlines() if line.startswith("| Q (")]
    assert row.count("none in the test") == 3


def test_card_says_what_the_model_was_made_from():
    card = model_card(judged(), ROWS, DIGESTS, SETTINGS, [])
    for digest in (*DIGESTS["data"].values(), *(DIGESTS[name] for name in ("model", "code", "settings"))):
        assert f"`{digest}`" in card
    made_with = json.loads(card.split("```json")[1].split("```")[0])
    assert made_with == {"train": {"epochs": 12}, "finetune": {"epochs": 36}}


def test_card_says_how_sure_the_model_may_be():
    told = judged()
    card = model_card(told, ROWS, DIGESTS, SETTINGS, [])
    of = told["certainty"]["clean"]
    assert f"({of['before']['ece']:.4f} before the temperature" in card
    assert f"answered: {of['kept']:.2%}, with an accuracy of {of['kept_accuracy']:.2%}" in card


def test_the_card_leads_with_new_patients_and_says_what_context_is_read():
    told = judged(split="patient", records=True)
    card = model_card(told, ROWS, DIGESTS, SETTINGS, [], ContextForm(3, ("rr", "width")))
    assert card.index("## On new patients (5 records") < card.index("## Test results")
    rows = [line for line in card.splitlines() if line.startswith(("| model |", "| every beat called N |"))]
    model, trivial = rows[:2]
    figures = told["by_record"]["model"]
    low, high = figures["intervals"]["accuracy"]
    assert f"| {figures['accuracy']:.3f} ({low:.3f}-{high:.3f}) |" in model
    assert f"| {told['by_record']['all_n']['accuracy']:.3f} (" in trivial
    assert "the beat's context in its recording, version 3 (2 numbers)" in card
    assert "rr, width." in card
    assert "On new patients" not in model_card(judged(), ROWS, DIGESTS, SETTINGS, [])


def test_the_context_that_a_model_reads_stands_on_its_card(model, known, tmp_path):
    (model / CONTEXT_FILE).write_text(ContextForm(4, ("rr",)).to_json())
    stage_version(model, tmp_path / "staged", known)
    assert "version 4 (1 number)" in (tmp_path / "staged/assets.extra/heartbeat/model_card.md").read_text()
