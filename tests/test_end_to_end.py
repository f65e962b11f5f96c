"""The demo as a newcomer runs it: once, again from the cache, and after an edit."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.profiles import ALL_STAGES

TOP = Path(__file__).parents[1]
pytestmark = pytest.mark.slow

IMPOSSIBLE = ("--set", "gate.synthetic.clean_accuracy=1.0")
"""A gate that no model of the demo passes."""


@dataclass(frozen=True)
class Ended:
    """A run as it stood when it ended; later runs change the root."""

    code: int
    out: str
    err: str
    summary: dict[str, Any]
    versions: tuple[str, ...]


def local_runner(root: Path, *words: str, source: Path = TOP) -> Ended:
    command = [sys.executable, "local_runner.py", "--root", str(root), *words]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True)
    summary = json.loads((root / "summary.json").read_text())
    versions = tuple(sorted(path.name for path in (root / "serving").iterdir()))
    return Ended(done.returncode, done.stdout, done.stderr, summary, versions)


def states(summary: dict[str, Any]) -> dict[str, str]:
    return {stage["name"]: stage["state"] for stage in summary["stages"]}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def first(root: Path) -> Ended:
    return local_runner(root)


@pytest.fixture(scope="module")
def second(first: Ended, root: Path) -> Ended:
    return local_runner(root, "--json")


@pytest.fixture(scope="module")
def refused(second: Ended, root: Path) -> Ended:
    return local_runner(root, *IMPOSSIBLE)


@pytest.fixture(scope="module")
def edited(refused: Ended, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    source = tmp_path_factory.mktemp("source")
    for name in ("components", "pipeline", "schema"):
        shutil.copytree(TOP / name, source / name)
    shutil.copy(TOP / "local_runner.py", source)
    file = source / "components" / "evaluate" / "judge.py"
    file.write_text(file.read_text() + "\n# edited\n")
    return local_runner(root, source=source)


def test_the_first_run_runs_every_stage_and_pushes(first: Ended) -> None:
    assert first.code == 0, first.err
    assert states(first.summary) == dict.fromkeys(ALL_STAGES, "ran")
    assert first.summary["status"] == "done"
    assert first.summary["data"]["synthetic"] is True
    assert first.summary["data"]["split"] == "patient"
    rows = first.summary["data"]["rows"]
    assert rows["rejects"] == 0
    assert 5000 < rows["train"] + rows["eval"] + rows["test"] < 7000
    assert min(rows["train"], rows["eval"], rows["test"]) > 100
    assert len(first.versions) == 1


def test_its_metrics_are_consistent_with_its_rows(first: Ended) -> None:
    metrics, rows = first.summary["metrics"], first.summary["data"]["rows"]
    clean, noisy = metrics["clean"], metrics["noisy"]
    for m, count in ((clean, rows["test"]), (noisy, 5 * rows["test"]), (metrics["trainer"]["clean"], rows["test"])):
        confusion = m["confusion"]
        assert sum(map(sum, confusion)) == count
        assert m["accuracy"] == pytest.approx(sum(confusion[c][c] for c in range(5)) / count)
        assert m["recall"] == pytest.approx([confusion[c][c] / sum(confusion[c]) for c in range(5)])
    assert 0.85 < clean["accuracy"] < 0.999, "the demo is neither hopeless nor trivial"
    assert noisy["accuracy"] > metrics["trainer"]["noisy"]["accuracy"] - 0.02, "fine-tuning does not cost noise"
    assert 0 < first.summary["model"]["parameters"] <= 300_000


def test_the_screen_says_synthetic_and_shows_no_chatter(first: Ended) -> None:
    assert "SYNTHETIC" in first.err
    assert "SYNTHETIC" in first.out
    for noise in ("Traceback", "Warning", "WARNING", "absl", "oneDNN", "cuda"):
        assert noise not in first.err, noise
        assert noise not in first.out, noise
    for stage in ALL_STAGES:
        assert stage in first.err
        assert stage in first.out


def test_the_pushed_version_is_complete_and_named_in_the_summary(first: Ended, root: Path) -> None:
    pushed = Path(first.summary["model"]["pushed"])
    assert pushed == root / "serving" / first.versions[0]
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


def test_scored_rows_have_the_confusion_matrix_of_the_evaluator(first: Ended, root: Path, tmp_path: Path) -> None:
    import pandas as pd

    model, beats = root / "serving" / first.versions[0], root / "demo" / "mitbih_test.csv"
    program = [sys.executable, "-c", "from pipeline.cli import run; run()", "score", "--workers", "1"]
    where = ["--input", str(beats), "--output", str(tmp_path / "out"), "--model", str(model), "--json"]
    done = subprocess.run([*program, *where], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = pd.read_parquet(tmp_path / "out" / "parts")
    counted = [[int(((rows.label == of) & (rows.predicted == to)).sum()) for to in range(5)] for of in range(5)]
    evaluation = min((root / "tfx" / "Evaluator" / "evaluation").iterdir(), key=lambda each: int(each.name))
    assert counted == confusion_of(evaluation)
    assert counted == json.loads(done.stdout)["confusion"]
    assert sum(map(sum, counted)) == first.summary["data"]["rows"]["test"]


def test_the_run_ends_by_naming_its_report(first: Ended, root: Path) -> None:
    page = root / "runs" / first.summary["run"] / "report" / "index.html"
    assert str(page) in first.out
    assert "SYNTHETIC" in page.read_text(encoding="utf-8")


def test_an_unchanged_run_is_all_cached_and_its_summary_complete(first: Ended, second: Ended) -> None:
    assert second.code == 0, second.err
    assert json.loads(second.out) == second.summary
    assert states(second.summary) == dict.fromkeys(ALL_STAGES, "cached")
    for key in ("metrics", "model", "data", "verdict", "status"):
        assert second.summary[key] == first.summary[key], key
    assert second.versions == first.versions


def test_a_refused_model_is_not_pushed_and_the_verdict_is_in_words(refused: Ended, first: Ended) -> None:
    assert refused.code == 4
    assert "Traceback" not in refused.out + refused.err
    assert "required 1" in refused.out
    assert refused.versions == first.versions
    assert refused.summary["status"] == "model_refused"
    assert states(refused.summary)["ModelGate"] == "failed"
    assert states(refused.summary)["Pusher"] == "skipped"


def test_a_refusal_is_never_cached(refused: Ended, root: Path) -> None:
    again = local_runner(root, *IMPOSSIBLE)
    assert again.code == 4
    assert states(again.summary)["ModelGate"] == "failed"


def test_an_edited_stage_reruns_with_what_follows_and_nothing_before(edited: Ended, first: Ended) -> None:
    assert edited.code == 0, edited.err
    reran = {"Evaluator", "Judge", "ModelGate", "Pusher"}
    assert states(edited.summary) == {stage: "ran" if stage in reran else "cached" for stage in ALL_STAGES}
    assert len(edited.versions) == 2
    assert f"the current model (version {first.versions[0]})" in edited.out, "compared with the newest push"
