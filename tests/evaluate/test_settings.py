from __future__ import annotations

import pytest
from pydantic import ValidationError

from components.evaluate.settings import KAGGLE, GateSettings


def test_one_threshold_given_alone_leaves_the_others_at_their_defaults():
    gate = GateSettings.model_validate({"kaggle": {"recall": {"F": 0.5}}})
    assert gate.kaggle.recall.F == 0.5
    assert gate.kaggle.recall.V == KAGGLE.recall.V
    assert gate.kaggle.clean_accuracy == KAGGLE.clean_accuracy
    assert gate.patient == GateSettings().patient


def test_settings_survive_json():
    gate = GateSettings.model_validate({"unknown": {"noisy_macro_f1": 0.1}})
    assert GateSettings.model_validate_json(gate.model_dump_json()) == gate


@pytest.mark.parametrize("given", [{"kaggle": {"accuracy": 1}}, {"kagle": {}}, {"kaggle": {"recall": {"F": 70}}}])
def test_unknown_names_and_percentages_are_refused(given):
    with pytest.raises(ValidationError):
        GateSettings.model_validate(given)


def test_synthetic_beats_have_their_own_thresholds_whatever_their_split():
    gate = GateSettings()
    assert gate.for_data("kaggle", synthetic=False) == gate.kaggle
    assert gate.for_data("patient", synthetic=False) == gate.patient
    assert gate.for_data("patient", synthetic=True) == gate.synthetic


def test_a_good_networks_figures_pass_kaggles_thresholds_by_more_than_chance():
    measured = {"N": 0.997, "S": 0.833, "V": 0.963, "F": 0.796, "Q": 0.992}
    chance = {"N": 0.001, "S": 0.03, "V": 0.01, "F": 0.06, "Q": 0.005}
    for symbol, recall in measured.items():
        assert getattr(KAGGLE.recall, symbol) < recall - 1.5 * chance[symbol]
