import io
import subprocess
import sys
from pathlib import Path

import pytest

from components.verdict import PUSHED_BEFORE, SAME_PATIENTS, SYNTHETIC, Verdict
from pipeline.screen import Screen, Terminal, changed_settings, missing_caveats, shown
from pipeline.settings import settings_from
from pipeline.summary import StageRecord, Summary

M = {"accuracy": 0.98765, "loss": 0.1, "macro_f1": 0.9, "recall": [0.9, None, 0.8, 0.7, 0.6], "precision": [1] * 5}
METRICS = {"clean": M, "noisy": M, "trainer": {"clean": M, "noisy": M}, "frozen": {"clean": M, "noisy": M}}


def summary_of(split: str | None, synthetic: bool, verdict: list[Verdict] | None = None) -> Summary:
    summary = Summary(run="r", stages=[StageRecord("ExampleGen", "ran", 1.5, 1.25, 109446), StageRecord("Pusher")])
    summary.data = {"synthetic": synthetic, "split": split, "rows": None}
    summary.verdict = verdict or []
    return summary


@pytest.mark.parametrize(
    ("split", "synthetic", "verdict", "expected"),
    [
        ("kaggle", False, [], [SAME_PATIENTS["kaggle"]]),
        ("unknown", False, [], [SAME_PATIENTS["unknown"]]),
        ("patient", False, [], []),
        ("patient", True, [], [SYNTHETIC]),
        ("kaggle", False, [SAME_PATIENTS["kaggle"]], []),
        ("patient", True, [Verdict("caveat", "synthetic", "Worded otherwise.")], []),
        ("patient", True, [Verdict("remark", "other", SYNTHETIC.sentence)], [SYNTHETIC]),
        (None, False, [], []),
    ],
)
def test_what_must_be_said_is_said_once(
    split: str | None, synthetic: bool, verdict: list[Verdict], expected: list[Verdict]
) -> None:
    assert missing_caveats(summary_of(split, synthetic, verdict)) == expected


def test_the_closing_table_has_every_stage_and_every_model(tmp_path) -> None:  # type: ignore[no-untyped-def]
    out, err = io.StringIO(), io.StringIO()
    summary = summary_of("kaggle", False, [Verdict("refusal", "threshold", "Refused: because.")])
    summary.metrics = METRICS
    Screen(Terminal(out, err)).close(summary, tmp_path / "runs" / "r", tmp_path / "index.html")
    text = out.getvalue()
    assert err.getvalue() == ""
    for word in (
        "ExampleGen",
        "109,446",
        "skipped",
        "fine-tuned, noisy",
        "98.77%",
        "0.900",
        "Refused: because.",
        "index.html",
    ):
        assert word in text, word
    assert SAME_PATIENTS["kaggle"].sentence in text
    assert "tensorboard" not in text


def test_a_run_that_trained_says_how_to_see_its_curves(tmp_path) -> None:  # type: ignore[no-untyped-def]
    out = io.StringIO()
    summary = summary_of("kaggle", False)
    summary.stages.append(StageRecord("Trainer", "cached"))
    Screen(Terminal(out, io.StringIO())).close(summary, tmp_path / "runs" / "r", None)
    assert f"tensorboard --logdir {tmp_path / 'tfx'}\n" in out.getvalue()


@pytest.mark.parametrize(("codes", "line"), [([], "Pushed to s/17"), ([PUSHED_BEFORE], "Serves    s/17")])
def test_a_model_that_serves_already_is_not_said_to_be_pushed(codes: list[str], line: str, tmp_path: Path) -> None:
    out = io.StringIO()
    summary = summary_of("patient", False, [Verdict("remark", code, "It serves.") for code in codes])
    summary.model["pushed"] = "s/17"
    Screen(Terminal(out, io.StringIO())).close(summary, tmp_path, None)
    assert line in out.getvalue()


def test_a_run_that_began_no_stage_shows_no_empty_table(tmp_path) -> None:  # type: ignore[no-untyped-def]
    out = io.StringIO()
    summary = Summary(run="r", stages=[StageRecord("ExampleGen")], data={"synthetic": False, "split": None})
    Screen(Terminal(out, io.StringIO())).close(summary, tmp_path, None)
    assert "ExampleGen" not in out.getvalue()


def test_only_what_differs_from_the_profile_is_listed() -> None:
    assert changed_settings(settings_from("demo")) == []
    changed = changed_settings(settings_from("demo", ["data.reject_budget=3"]))
    assert changed == ["data.reject_budget = 3 (profile: 0)"]


def test_places_below_the_working_directory_are_shown_relative(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "output" / "log.txt") == "output/log.txt"
    assert shown("/elsewhere/log.txt") == "/elsewhere/log.txt"
    assert shown("s3://bucket/data") == "s3://bucket/data"


PROGRAM = """
import logging, os, sys, warnings
from pathlib import Path
from pipeline.screen import output_captured
print("before")
with output_captured(Path(sys.argv[1])) as terminal:
    print("python out")
    print("python err", file=sys.stderr)
    os.write(1, b"native out\\n")
    os.write(2, b"native err\\n")
    logging.getLogger("absl").warning("logged")
    warnings.warn("a library warning")
    terminal.out.write("result\\n")
    terminal.err.write("progress\\n")
print("after")
"""


def test_only_what_is_meant_for_the_user_reaches_the_terminal(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(log)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["before", "result", "after"]
    assert done.stderr.splitlines() == ["progress"]
    logged = log.read_text()
    for text in ("python out", "python err", "native out", "native err", "absl logged", "a library warning"):
        assert text in logged, text


def test_an_error_inside_gives_the_terminal_back(tmp_path: Path) -> None:
    program = PROGRAM.replace('    terminal.err.write("progress\\n")', '    raise SystemExit("said afterwards")')
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "log")], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "said afterwards\n"
