import json
from collections.abc import Callable
from pathlib import Path

import pytest

from components.beat import Beats
from components.report import first_screen
from components.report.first_screen import ON_BOTH_SIDES, records, run_cards, run_warnings
from components.report.material import load_run
from components.verdict import PUSHED_BEFORE, SYNTHETIC, Verdict, verdict_json
from tests.evaluate.tiny_model import some_beats
from tests.report.made_run import ended, statistics_of


def test_records_are_those_of_the_statistics(finished: Path) -> None:
    assert records(load_run(finished), "test") == {f"r{number}" for number in range(7)}


@pytest.mark.parametrize(
    ("train", "test", "told"),
    [("101 201", "100 202", True), ("202", "201", True), ("201 202", "100", False), ("101", "201 202", False)],
)
def test_one_person_on_both_sides_is_told(
    train: str, test: str, told: bool, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides = {"train": set(train.split()), "eval": set[str](), "test": set(test.split())}
    monkeypatch.setattr(first_screen, "records", lambda _, split: sides[split])
    assert (ON_BOTH_SIDES in run_warnings(load_run(finished))) == told


def test_beats_without_records_and_runs_without_statistics_tell_nothing(a_run: Callable[[], Path]) -> None:
    beats = some_beats(5)
    assert "record" not in str(statistics_of(Beats(beats.signal, beats.label)))
    run = a_run()
    ended(run, "failed", 1, "StatisticsGen", [Verdict("refusal", "failed", "It went wrong.")])
    assert run_warnings(load_run(run)) == [SYNTHETIC.sentence]


def test_a_model_that_was_not_pushed_again_is_not_said_to_be_pushed(a_run: Callable[[], Path]) -> None:
    run = a_run()
    _, worked, *_ = run_cards(load_run(run))
    assert "Pushed as version 1767323045." in worked.lines
    summary = json.loads((run / "summary.json").read_text())
    summary["verdict"] += verdict_json([Verdict("remark", PUSHED_BEFORE, "It serves.")])
    (run / "summary.json").write_text(json.dumps(summary))
    _, worked, *_ = run_cards(load_run(run))
    assert "The model is already served as version 1767323045." in worked.lines
