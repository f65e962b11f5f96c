import json
from pathlib import Path

import pytest

from components.io.serving import ServingDirectory
from components.verdict import PUSHED_BEFORE, Verdict, verdict_json
from pipeline.outcome import Outcome
from pipeline.settings import settings_from
from pipeline.summary import Summary

ALLOWED = Verdict("remark", "allowed_anomaly", "Allowed: drift.")
SETTINGS = settings_from("demo")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"model")
    return folder


def pushed_summary(tmp_path: Path, serving: Path, version: int, location: str, new: bool = True) -> Summary:
    (tmp_path / "pushed.json").write_text(json.dumps({"version": version, "location": location, "new": new}))
    summary = Summary(run="r")
    summary.take_from("Pusher", Outcome({"Pusher": {"pushed_model": [str(tmp_path)]}}, SETTINGS, str(serving)))
    return summary


def test_a_push_that_serves_is_named_without_further_words(tmp_path: Path, model: Path) -> None:
    directory = ServingDirectory(str(tmp_path / "serving"))
    version = directory.push(model)
    location = directory.location(version)
    summary = pushed_summary(tmp_path, tmp_path / "serving", version, location)
    assert (summary.model["pushed"], summary.verdict) == (location, [])


def test_a_model_that_serves_already_is_named_and_said_not_to_be_pushed_again(tmp_path: Path, model: Path) -> None:
    directory = ServingDirectory(str(tmp_path / "serving"))
    version = directory.push(model)
    summary = pushed_summary(tmp_path, tmp_path / "serving", version, directory.location(version), new=False)
    assert summary.model["pushed"] == directory.location(version)
    [remark] = summary.verdict
    assert remark.code == PUSHED_BEFORE
    assert f"version {version}, which serves: it was not pushed again." in remark.sentence


def test_a_cached_push_behind_a_newer_one_says_which_serves(tmp_path: Path, model: Path) -> None:
    directory = ServingDirectory(str(tmp_path / "serving"))
    version, newer = directory.push(model), directory.push(model)
    location = directory.location(version)
    summary = pushed_summary(tmp_path, tmp_path / "serving", version, location)
    assert summary.model["pushed"] == location
    assert f"version {newer} serves now" in summary.verdict[0].sentence
    assert f"heartbeat models rollback {version}" in summary.verdict[0].sentence


def test_a_cached_push_that_is_gone_is_not_claimed(tmp_path: Path, model: Path) -> None:
    summary = pushed_summary(tmp_path, tmp_path / "serving", 17, "serving/17")
    assert summary.model["pushed"] is None
    assert "Version 17 was pushed by an earlier run and is no longer" in summary.verdict[0].sentence


def test_what_a_data_gate_allowed_is_part_of_the_verdict(tmp_path: Path) -> None:
    (tmp_path / "verdict.json").write_text(json.dumps({"verdict": verdict_json([ALLOWED])}))
    summary = Summary(run="r")
    summary.take_from("DataGate", Outcome({"DataGate": {"verdict": [str(tmp_path)]}}, SETTINGS, "serving"))
    assert summary.verdict == [ALLOWED]
