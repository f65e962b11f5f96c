"""What runs under a guard ends with whoever started it, however that happened."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from components.score.engines.guard import guarded

SLEEP = ["sh", "-c", "sleep 600 & echo $!; echo $$; wait"]
"""A command with a child of its own, which tells both their numbers."""


def numbers_in(log):
    for _ in range(600):
        words = log.read_text().split() if log.exists() else []
        if len(words) == 2:
            return [int(word) for word in words]
        time.sleep(0.05)
    raise AssertionError(f"the command did not start: {log.read_text()}")


def await_end(numbers):
    for _ in range(600):
        if all(has_ended(number) for number in numbers):
            return
        time.sleep(0.05)
    pytest.fail(f"{numbers} outlived who started them")


def has_ended(number):
    try:
        return ") Z " in Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return True


def test_a_command_ends_with_the_block_and_so_does_what_it_started(tmp_path):
    with guarded(SLEEP, tmp_path / "log") as guard:
        numbers = numbers_in(tmp_path / "log")
        [child] = psutil.Process(guard.pid).children()
        assert child.pid in numbers
        assert guard.poll() is None
    await_end(numbers)


def test_a_command_ends_with_a_starter_that_was_killed(tmp_path):
    program = (
        "import sys, time; from pathlib import Path; from components.score.engines.guard import guarded\n"
        f"with guarded({SLEEP!r}, Path(sys.argv[1])):\n time.sleep(600)"
    )
    starter = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "log")])
    numbers = numbers_in(tmp_path / "log")
    starter.kill()
    starter.wait()
    await_end(numbers)


def test_the_end_of_a_command_shows_on_its_guard(tmp_path):
    with guarded(["sh", "-c", "echo no room >&2; exit 3"], tmp_path / "log") as guard:
        assert guard.wait(60) == 3
    assert (tmp_path / "log").read_text() == "no room\n"
