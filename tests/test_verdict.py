import json
import pickle
from dataclasses import replace

import pytest

from components.errors import DataRefused, EnvironmentRefused
from components.verdict import (
    SAME_PATIENTS,
    SAME_PATIENTS_MARK,
    SYNTHETIC,
    SYNTHETIC_MARK,
    Verdict,
    data_caveats,
    of_kind,
    read_verdict,
    verdict_json,
)

VERDICT = [SYNTHETIC, Verdict("refusal", "threshold", "Too low."), Verdict("remark", "compared", "As before.")]


def test_a_verdict_survives_json() -> None:
    assert read_verdict(json.loads(json.dumps(verdict_json(VERDICT)))) == VERDICT


def test_sentences_of_old_summaries_are_remarks() -> None:
    assert read_verdict(["Approved: good."]) == [Verdict("remark", "", "Approved: good.")]


def test_kinds_do_not_depend_on_the_wording() -> None:
    reworded = [replace(each, sentence="Another wording.") for each in VERDICT]
    assert [each.code for each in of_kind("refusal", reworded)] == ["threshold"]


@pytest.mark.parametrize(
    ("split", "synthetic", "caveats"),
    [
        ("kaggle", False, [SAME_PATIENTS["kaggle"]]),
        ("unknown", True, [SYNTHETIC, SAME_PATIENTS["unknown"]]),
        ("patient", False, []),
        (None, True, [SYNTHETIC]),
    ],
)
def test_caveats_of_the_data(split: str | None, synthetic: bool, caveats: list[Verdict]) -> None:
    assert data_caveats(split, synthetic) == caveats


def test_the_long_forms_hold_the_short_ones() -> None:
    assert SYNTHETIC_MARK in SYNTHETIC.sentence
    assert all(SAME_PATIENTS_MARK in each.sentence for each in SAME_PATIENTS.values())


def test_an_error_carries_its_verdict_through_pickle() -> None:
    error = pickle.loads(pickle.dumps(DataRefused(VERDICT)))
    assert list(error.verdict) == VERDICT
    assert error.sentences == tuple(each.sentence for each in VERDICT)


def test_a_plain_sentence_of_an_error_is_a_refusal() -> None:
    assert EnvironmentRefused("The disk is full.").verdict == (Verdict("refusal", "environment", "The disk is full."),)
