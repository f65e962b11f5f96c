"""The demo as a newcomer runs it: once, again from the cache, refused by a gate, and after an edit."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.profiles import ALL_STAGES
from tests.demo import TOP, Ended, local_runner


@pytest.fixture(scope="session")
def again(demo: Ended) -> Ended:
    """The same run once more."""
    return local_runner(demo.root, "--json")


@pytest.fixture(scope="session")
def refused(again: Ended) -> Ended:
    """A run with a gate that no model of the demo passes."""
    return local_runner(again.root, "--set", "gate.synthetic.clean_accuracy=1.0")


@pytest.fixture(scope="session")
def edited(refused: Ended, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A run after an edit of what the Judge does, and of a comment in what the Trainer does."""
    source = tmp_path_factory.mktemp("source")
    for name in ("components", "pipeline", "schema"):
        shutil.copytree(TOP / name, source / name)
    shutil.copy(TOP / "local_runner.py", source)
    for name, line in (("evaluate/judge.py", "EDITED = True"), ("train/trainer.py", "# edited")):
        with (source / "components" / name).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")
    return local_runner(refused.root, source=source)


def test_the_first_run_runs_every_stage_and_pushes(demo: Ended) -> None:
    assert demo.code == 0, demo.err
    assert demo.states == dict.fromkeys(ALL_STAGES, "ran")
    assert demo.summary["status"] == "done"
    assert demo.summary["data"]["synthetic"] is True
    assert demo.summary["data"]["split"] == "patient"
    rows = demo.summary["data"]["rows"]
    assert rows["rejects"] == 0
    assert 5000 < rows["train"] + rows["eval"] + rows["test"] < 7000
    assert min(rows["train"], rows["eval"], rows["test"]) > 100
    assert len(demo.versions) == 1


def test_its_metrics_are_consistent_with_its_rows(demo: Ended) -> None:
    metrics, rows = demo.summary["metrics"], demo.summary["data"]["rows"]
    clean, noisy = metrics["clean"], metrics["noisy"]
    for m, count in ((clean, rows["test"]), (noisy, 5 * rows["test"]), (metrics["trainer"]["clean"], rows["test"])):
        confusion = m["confusion"]
        assert sum(map(sum, confusion)) == count
        assert m["accuracy"] == pytest.approx(sum(confusion[c][c] for c in range(5)) / count)
        assert m["recall"] == pytest.approx([confusion[c][c] / sum(confusion[c]) for c in range(5)])
    assert 0.85 < clean["accuracy"] < 0.999, "the demo is neither hopeless nor trivial"
    assert noisy["accuracy"] > metrics["trainer"]["noisy"]["accuracy"] - 0.02, "fine-tuning does not cost noise"
    assert 0 < demo.summary["model"]["parameters"] <= 300_000


def test_the_screen_says_synthetic_and_shows_no_chatter(demo: Ended) -> None:
    assert "SYNTHETIC" in demo.err
    assert "SYNTHETIC" in demo.out
    for noise in ("Traceback", "Warning", "WARNING", "absl", "oneDNN", "cuda"):
        assert noise not in demo.err, noise
        assert noise not in demo.out, noise
    for stage in ALL_STAGES:
        assert stage in demo.err
        assert stage in demo.out


def test_the_pushed_version_is_complete_and_named_in_the_summary(demo: Ended) -> None:
    pushed = Path(demo.summary["model"]["pushed"])
    assert pushed == demo.root / "serving" / demo.versions[0]
    assert pushed.name.isdigit()
    assert (pushed / "saved_model.pb").exists()
    sidecars = {file.name for file in (pushed / "assets.extra" / "heartbeat").iterdir()}
    expected = {"model.keras", "metrics.json", "stats.pb", "digests.json", "histogram.json", "model_card.md"}
    assert expected <= sidecars
    assert "SYNTHETIC" in (pushed / "assets.extra" / "heartbeat" / "model_card.md").read_text()


def confusion_of(evaluation: Path) -> list[list[int]]:
    """The matrix that the Evaluator counted, rows are the truth."""
    import tensorflow_model_analysis as tfma

    told = tfma.load_eval_result(str(evaluation)).slicing_metrics[0][1][""][""]
    [matrix] = told["confusion"]["multiClassConfusionMatrixAtThresholds"]["matrices"]
    counts = [[0] * 5 for _ in range(5)]
    for entry in matrix["entries"]:
        counts[entry.get("actualClassId", 0)][entry.get("predictedClassId", 0)] = int(entry["numWeightedExamples"])
    return counts


def test_scored_rows_have_the_confusion_matrix_of_the_evaluator(demo: Ended, tmp_path: Path) -> None:
    import pandas as pd

    model, beats = demo.root / "serving" / demo.versions[0], demo.root / "demo" / "mitbih_test.csv"
    program = [sys.executable, "-c", "from pipeline.cli import run; run()", "score", "--workers", "1"]
    where = ["--input", str(beats), "--output", str(tmp_path / "out"), "--model", str(model), "--json"]
    done = subprocess.run([*program, *where], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = pd.read_parquet(tmp_path / "out" / "parts")
    counted = [[int(((rows.label == of) & (rows.predicted == to)).sum()) for to in range(5)] for of in range(5)]
    evaluation = min((demo.root / "tfx" / "Evaluator" / "evaluation").iterdir(), key=lambda each: int(each.name))
    assert counted == confusion_of(evaluation)
    assert counted == json.loads(done.stdout)["confusion"]
    assert sum(map(sum, counted)) == demo.summary["data"]["rows"]["test"]


def test_the_run_ends_by_naming_its_report(demo: Ended) -> None:
    page = demo.root / "runs" / demo.summary["run"] / "report" / "index.html"
    assert str(page) in demo.out
    assert "SYNTHETIC" in page.read_text(encoding="utf-8")


def test_an_unchanged_run_is_all_cached_and_its_summary_complete(demo: Ended, again: Ended) -> None:
    assert again.code == 0, again.err
    assert json.loads(again.out) == again.summary
    assert again.states == dict.fromkeys(ALL_STAGES, "cached")
    for key in ("metrics", "model", "data", "verdict", "status"):
        assert again.summary[key] == demo.summary[key], key
    assert again.versions == demo.versions


@pytest.mark.slow
def test_a_refused_model_is_not_pushed_and_the_verdict_is_in_words(refused: Ended, demo: Ended) -> None:
    assert refused.code == 4
    assert "Traceback" not in refused.out + refused.err
    assert "required 1" in refused.out
    assert refused.versions == demo.versions
    assert refused.summary["status"] == "model_refused"
    assert refused.states["ModelGate"] == "failed"
    assert refused.states["Pusher"] == "skipped"


@pytest.mark.slow
def test_an_edited_stage_reruns_with_what_follows_and_nothing_before(edited: Ended, demo: Ended) -> None:
    assert edited.code == 0, edited.err
    reran = {"Judge", "ModelGate", "Pusher"}
    assert edited.states == {stage: "ran" if stage in reran else "cached" for stage in ALL_STAGES}
    assert edited.versions == demo.versions, "the model is the cached one, which serves"
    assert "which serves: it was not pushed again." in edited.out
    assert f"the current model (version {demo.versions[0]})" in edited.out, "compared with the newest push"
