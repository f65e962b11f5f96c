"""The runs behind docs/results.md: none is repeated, none is lost, and the page is what they say."""

import json
import sys

import pytest

from bench import reproduce
from bench.reproduce import RUNS, Planned, kept, train_study
from bench.results import PAGE, RESULTS, results_page
from components.report.study import ACCURACY
from tests.evaluate.tiny_model import save_tiny_model, some_beats, template_weights
from tests.report.made_run import write_examples

METRICS = {
    "accuracy": 0.5,
    "loss": 1.0,
    "macro_f1": 0.25,
    "recall": [0.5] * 5,
    "precision": [0.5] * 5,
    "confusion": [[2, 2, 0, 0, 0]] * 5,
}
CERTAIN = {
    "before": {"ece": 0.1},
    "kept": 0.5,
    "kept_accuracy": 0.75,
    "shift": 0.5,
    "shifted_accuracy": 0.5,
    "shifted_mean_recall": 0.5,
}


def judged(accuracy: float) -> dict:
    metrics = {**METRICS, "accuracy": accuracy}
    interval = {"accuracy": [accuracy - 0.1, accuracy + 0.1], "macro_f1": [0.2, 0.3]}
    return {
        "split": "kaggle",
        "metrics": {"clean": metrics, "noisy": metrics, "trainer": {"clean": metrics, "noisy": metrics}},
        "f1": {"clean": [0.5] * 5, "noisy": [0.5] * 5},
        "intervals": {"clean": interval, "noisy": interval},
        "calibration": {kind: {"ece": 0.1, "band": [0.0, 0.2], "bins": []} for kind in ("clean", "noisy")},
        "certainty": {"temperature": 0.8, "threshold": 0.9, "clean": CERTAIN, "noisy": CERTAIN},
        "coverage": {
            kind: [
                {"coverage": 0.4, "accuracy": 0.999},
                {"coverage": 0.6, "accuracy": 0.996},
                {"coverage": 1.0, "accuracy": 0.5},
            ]
            for kind in ("clean", "noisy")
        },
        "noise_levels": [{"sd": 0.05, "accuracy": accuracy, "macro_f1": 0.25, "intervals": {}}],
    }


def told_of(planned: Planned) -> dict:
    stages = [{"name": name, "state": "ran", "seconds": 60.0, "cpu_seconds": 59.0} for name in ("Trainer", "FineTuner")]
    summary = {
        "status": "done",
        "data": {"rows": {"train": 1, "eval": 1, "test": 20, "rejects": 0}},
        "model": {"parameters": 7, "digest": "ab"},
        "stages": [*stages, {"name": "Tuner", "state": "cached", "seconds": 0.0, "cpu_seconds": 0.0}],
    }
    return kept(planned, summary, judged(0.5 + planned.seed / 100))


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """A folder of results of its own, runs that are only noted, and a call of the command."""
    ran = []

    def run(planned, data, root):
        ran.append((planned.name, data))
        return told_of(planned)

    monkeypatch.setattr(reproduce, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(reproduce, "PAGE", tmp_path / "results.md")
    monkeypatch.setattr(reproduce, "run", run)

    def call(*words):
        ran.clear()
        monkeypatch.setattr(sys, "argv", ["reproduce", *words])
        reproduce.main()
        return [name for name, _ in ran]

    return tmp_path, call


def test_what_is_done_is_not_done_again(begun, capsys):
    folder, call = begun
    assert call("--kaggle", "data", "--only", "full-kaggle-1", "full-kaggle-2") == ["full-kaggle-1", "full-kaggle-2"]
    assert "0 of 2 runs are done" in capsys.readouterr().out
    assert call("--kaggle", "data", "--only", "full-kaggle-2", "full-kaggle-3") == ["full-kaggle-3"]
    assert "1 of 2 runs are done" in capsys.readouterr().out
    assert (folder / "results.md").read_text() == results_page(folder / "results")


def test_a_missing_folder_is_named_before_anything_runs(begun, capsys):
    _, call = begun
    with pytest.raises(SystemExit):
        call("--kaggle", "data")
    assert "--patient is needed for full-patient-1" in capsys.readouterr().err


def test_the_page_shows_means_and_spreads_of_the_seeds(begun):
    folder, call = begun
    call("--kaggle", "data", "--only", *(planned.name for planned in RUNS if planned.data == "kaggle"))
    page = (folder / "results.md").read_text()
    [row] = [line for line in page.splitlines() if line.startswith("| accuracy, clean beats")][:1]
    assert "| 53.00% (51.00% to 55.00%) | 43.00% to 63.00% |" in row
    [kept_row] = [line for line in page.splitlines() if line.startswith("| clean beats kept with 99.5 %")][:1]
    assert "60.0% (60.0% to 60.0%)" in kept_row
    assert "## The fast network" in page
    assert "DS1" not in page


def test_only_stages_that_ran_have_seconds():
    assert set(told_of(RUNS[0])["seconds"]) == {"Trainer", "FineTuner"}


def test_the_committed_page_is_made_from_the_committed_runs():
    assert PAGE.read_text(encoding="utf-8") == results_page(RESULTS)
    for file in RESULTS.glob("*-*.json"):
        result = json.loads(file.read_text(encoding="utf-8"))
        assert file.stem in {planned.name for planned in RUNS}
        assert file.stem == Planned(result["network"], result["data"], result["seed"]).name


def test_the_study_is_measured_on_its_test_split_from_each_seed(tmp_path, monkeypatch, capsys):
    save_tiny_model(tmp_path / "model" / "Format-Serving", template_weights())
    (tmp_path / "examples").mkdir()
    write_examples(tmp_path / "examples", {"test": some_beats(50)})
    (tmp_path / "runs" / "1").mkdir(parents=True)
    artifacts = {"Trainer": {"model": [f"{tmp_path}/model"]}, "ExampleGen": {"examples": [f"{tmp_path}/examples"]}}
    (tmp_path / "runs" / "1" / "artifacts.json").write_text(json.dumps(artifacts))
    seeds = []

    def run_pipeline(data, root, words):
        seeds.append(words[-1])
        return 0, {"run": "1", "stages": [{"name": "Trainer", "seconds": 7.0}]}

    monkeypatch.setattr(reproduce, "run_pipeline", run_pipeline)
    train_study(tmp_path, tmp_path, [3, 4])
    first, second, mean = map(json.loads, capsys.readouterr().out.splitlines())
    assert seeds == ["train.seed=3", "train.seed=4"]
    assert (first["seed"], first["train_seconds"]) == (3, 7.0)
    assert 0.5 < first["accuracy"] == second["accuracy"] == mean["ours"] <= 1
    assert mean["peer"] == ACCURACY


def test_calling_every_beat_n_stands_beside_the_new_patients():
    page = PAGE.read_text(encoding="utf-8")
    assert "| DS2, every beat called N | 49,690 | 89.03% / 0.188 |" in page
