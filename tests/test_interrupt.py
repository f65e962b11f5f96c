"""Ctrl-C and SIGTERM in the middle of a training: the right exit code, a summary, and a next run that goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.profiles import ALL_STAGES

TOP = Path(__file__).parents[1]
DATA_STAGES = ALL_STAGES[: ALL_STAGES.index("Tuner")]
STAGES = [*DATA_STAGES, "Trainer"]


def interrupted(root: Path, number: signal.Signals) -> int:
    """Send a signal at the end of the Trainer's first epoch and return the exit code."""
    command = [sys.executable, "local_runner.py", "--root", str(root), "--set", f"stages={json.dumps(STAGES)}"]
    with subprocess.Popen(
        command,
        cwd=TOP,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's `&` has it ignored
    ) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if "Trainer" in line and "epoch 1/" in line:
                running.send_signal(number)
                break
        rest = running.stderr.read()
    assert "Traceback" not in rest
    return running.returncode


@pytest.mark.slow
def test_a_run_that_was_interrupted_goes_on_from_what_had_finished(tmp_path: Path) -> None:
    for number, code, before in ((signal.SIGINT, 130, "ran"), (signal.SIGTERM, 143, "cached")):
        assert interrupted(tmp_path, number) == code
        summary = json.loads((tmp_path / "summary.json").read_text())
        assert (summary["status"], summary["exit_code"]) == ("interrupted", code)
        states = {stage["name"]: stage["state"] for stage in summary["stages"]}
        assert states == {**dict.fromkeys(DATA_STAGES, before), "Trainer": "failed"}
        assert summary["verdict"][-1]["code"] == "interrupted"
