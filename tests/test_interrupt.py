"""A run that Ctrl-C, SIGTERM or a kill ended: the right exit code, a summary, and a next run that goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
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


def killed(root: Path, stage: str, environ: dict[str, str]) -> None:
    """Kill a run, as the kernel does when memory is short, a moment after a stage has begun."""
    command = [sys.executable, "local_runner.py", "--root", str(root), "--set", f"stages={json.dumps(DATA_STAGES)}"]
    before = set(root.glob("runs/*"))
    with subprocess.Popen(command, cwd=TOP, stderr=subprocess.DEVNULL, env=environ) as running:
        while not any(
            f"stage {stage}\n" in log.read_text(errors="replace")
            for log in root.glob("runs/*/log.txt")
            if log.parent not in before
        ):
            assert running.poll() is None
            time.sleep(0.05)
        time.sleep(0.3)
        running.kill()
    assert running.returncode == -signal.SIGKILL


@pytest.mark.slow
def test_a_root_whose_run_was_killed_goes_on_and_its_temporary_files_go(tmp_path: Path) -> None:
    root, temporary = tmp_path / "root", tmp_path / "tmp"
    temporary.mkdir()
    environ = {**os.environ, "TMPDIR": str(temporary)}
    for stage in ("ExampleGen", "Transform"):
        killed(root, stage, environ)
        assert len(list(temporary.iterdir())) == 1
    command = [sys.executable, "local_runner.py", "--root", str(root), "--set", f"stages={json.dumps(DATA_STAGES)}"]
    done = subprocess.run(command, cwd=TOP, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    summary = json.loads((root / "summary.json").read_text())
    before = DATA_STAGES[: DATA_STAGES.index("Transform")]
    assert {stage["name"]: stage["state"] for stage in summary["stages"]} == {
        **dict.fromkeys(before, "cached"),
        "Transform": "ran",
    }
    assert list(temporary.iterdir()) == []
