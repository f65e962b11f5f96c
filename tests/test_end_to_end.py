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


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    def summary(self) -> dict[str, Any]:
        return json.loads(self.out)  # type: ignore[no-any-return]


def local_runner(root: Path, *words: str, source: Path = TOP) -> Ended:
    command = [sys.executable, "local_runner.py", "--root", str(root), *words]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True)
    return Ended(done.returncode, done.stdout, done.stderr)


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


def test_the_first_run_runs_every_stage_and_pushes(first: Ended, root: Path) -> None:
    assert first.code == 0, first.err
    summary = json.loads((root / "summary.json").read_text())
    assert states(summary) == dict.fromkeys(ALL_STAGES, "ran")
    assert summary["status"] == "done"
    assert summary["data"]["synthetic"] is True
    assert summary["data"]["split"] == "patient"
    rows = summary["data"]["rows"]
    assert rows["rejects"] == 0
    assert 5000 < rows["train"] + rows["eval"] + rows["test"] < 7000
    assert min(rows["train"], rows["eval"], rows["test"]) > 100


def test_its_metrics_are_consistent_with_its_rows(first: Ended, root: Path) -> None:
    summary = json.loads((root / "summary.json").read_text())
    metrics, rows = summary["metrics"], summary["data"]["rows"]
    clean, noisy = metrics["clean"], metrics["noisy"]
    for m, count in ((clean, rows["test"]), (noisy, 5 * rows["test"]), (metrics["trainer"]["clean"], rows["test"])):
        confusion = m["confusion"]
        assert sum(map(sum, confusion)) == count
        assert m["accuracy"] == pytest.approx(sum(confusion[c][c] for c in range(5)) / count)
        assert m["recall"] == pytest.approx([confusion[c][c] / sum(confusion[c]) for c in range(5)])
    assert 0.85 < clean["accuracy"] < 0.999, "the demo is neither hopeless nor trivial"
    assert noisy["accuracy"] > metrics["trainer"]["noisy"]["accuracy"] - 0.02, "fine-tuning does not cost noise"
    assert 0 < summary["model"]["parameters"] <= 300_000


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
    summary = json.loads((root / "summary.json").read_text())
    pushed = Path(summary["model"]["pushed"])
    assert pushed.parent == root / "serving"
    assert pushed.name.isdigit()
    assert (pushed / "saved_model.pb").exists()
    sidecars = {file.name for file in (pushed / "assets.extra" / "heartbeat").iterdir()}
    expected = {"model.keras", "metrics.json", "stats.pb", "digests.json", "histogram.json", "model_card.md"}
    assert expected <= sidecars
    assert "SYNTHETIC" in (pushed / "assets.extra" / "heartbeat" / "model_card.md").read_text()


def test_the_run_ends_by_naming_its_report(first: Ended, root: Path) -> None:
    run = min((root / "runs").iterdir())
    page = run / "report" / "index.html"
    assert str(page) in first.out.replace("\n", "")
    assert "SYNTHETIC" in page.read_text(encoding="utf-8")


def test_an_unchanged_run_is_all_cached_and_its_summary_complete(second: Ended, first: Ended, root: Path) -> None:
    assert second.code == 0, second.err
    summary = second.summary()
    assert states(summary) == dict.fromkeys(ALL_STAGES, "cached")
    runs = sorted((root / "runs").iterdir())
    before = json.loads((runs[0] / "summary.json").read_text())
    for key in ("metrics", "model", "data", "verdict", "status"):
        assert summary[key] == before[key], key
    assert len(list((root / "serving").iterdir())) == 1


def test_an_edited_stage_reruns_with_what_follows_and_nothing_before(second: Ended, root: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("components", "pipeline", "schema"):
        shutil.copytree(TOP / name, source / name)
    shutil.copy(TOP / "local_runner.py", source)
    edited = source / "components" / "evaluate" / "judge.py"
    edited.write_text(edited.read_text() + "\n# edited\n")
    summary = local_runner(root, "--json", source=source).summary()
    reran = {"Judge", "ModelGate", "Pusher"}
    assert states(summary) == {stage: "ran" if stage in reran else "cached" for stage in ALL_STAGES}


def test_a_refused_model_is_not_pushed_and_the_verdict_is_in_words(second: Ended, root: Path) -> None:
    versions = sorted((root / "serving").iterdir())
    ended = local_runner(root, "--set", "gate.synthetic.clean_accuracy=1.0")
    assert ended.code == 4
    assert "Traceback" not in ended.out + ended.err
    assert "required 1.0" in ended.out
    assert sorted((root / "serving").iterdir()) == versions
    summary = json.loads((root / "summary.json").read_text())
    assert summary["status"] == "model_refused"
    assert states(summary)["ModelGate"] == "failed"
    assert states(summary)["Pusher"] == "skipped"
    again = local_runner(root, "--set", "gate.synthetic.clean_accuracy=1.0")
    assert again.code == 4, "a refusal is never cached"
