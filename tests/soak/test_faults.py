"""A full disk, a directory that cannot be written, inputs that change meanwhile: told in words, and nothing is lost."""

import random
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.score.jobs import digests, write_csv
from tests.soak.children import ended, started

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200)]

FILES, ROWS = 6, 400
CHANGES = 8


@pytest.fixture
def inputs(tmp_path):
    folder = tmp_path / "inputs"
    folder.mkdir()
    for at in range(FILES):
        write_csv(folder / f"{at}.csv", ROWS, seed=at)
    return folder


@pytest.fixture
def flags(inputs, saved_model):
    return ["--input", f"{inputs}/*.csv", "--model", saved_model.uri, "--workers", "1"]


def in_a_small_file_system(tmp_path, script):
    """Runs lines of shell in a mount namespace of their own; $OUT lies on a file system of 64 KiB."""
    (tmp_path / "small").mkdir()
    text = f"set -e\nmount -t tmpfs -o size=64k tmpfs {tmp_path}/small\nOUT={tmp_path}/small/out\n{script}"
    done = subprocess.run(["unshare", "--mount", "--map-root-user", "sh", "-c", text], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


def scoring(flags):
    program = [sys.executable, "-c", "from pipeline.cli import run; run()", "score", *flags]
    return f'{shlex.join(program)} --output "$OUT" --resume'


def test_a_full_disk_is_told_and_with_room_the_job_goes_on(flags, tmp_path):
    done = in_a_small_file_system(
        tmp_path,
        f"""{scoring(flags)} && exit 1 || test $? = 6
        test ! -e $OUT/_SUCCESS
        mount -o remount,size=64m {tmp_path}/small
        {scoring(flags)}
        cp -r $OUT {tmp_path}/kept""",
    )
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert ended([*flags, "--output", tmp_path / "unbroken"], tmp_path / "log") == 0
    assert digests(tmp_path / "kept") == digests(tmp_path / "unbroken")


def test_a_directory_that_cannot_be_written_is_told(flags, tmp_path):
    done = in_a_small_file_system(
        tmp_path, f"mount -o remount,ro {tmp_path}/small\n{scoring(flags)} && exit 1 || test $? = 6"
    )
    assert "Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr


def _append(path):
    with path.open("a") as file:
        file.write("one more\n")


def _cut(path):
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def _replace(path):
    write_csv(path.with_suffix(".new"), ROWS, seed=99)
    path.with_suffix(".new").replace(path)


@pytest.mark.parametrize("change", [_append, _cut, _replace, Path.unlink], ids=lambda change: change.__name__)
def test_inputs_that_change_at_any_moment_are_noticed(flags, inputs, tmp_path, change):
    """A job that ends well has the results of inputs at rest: as they were before the change, or as they are after."""
    log, seed = tmp_path / "log", random.randrange(1 << 32)
    before = {path: path.read_bytes() for path in sorted(inputs.iterdir())}
    began = time.monotonic()
    assert ended([*flags, "--output", tmp_path / "before"], log) == 0, log.read_text()
    whole, rng = time.monotonic() - began, random.Random(seed)
    for number in range(CHANGES):
        child = started([*flags, "--output", tmp_path / f"out{number}"], log)
        child.join(rng.random() * whole)
        change(inputs / f"{rng.randrange(FILES)}.csv")
        child.join()
        assert child.exitcode in (0, 3, 5), (seed, log.read_text())
        assert "Traceback" not in log.read_text()
        found = tmp_path / f"out{number}"
        if child.exitcode != 0:
            assert not (found / "_SUCCESS").exists()
        elif digests(found) != digests(tmp_path / "before"):
            assert ended([*flags, "--output", tmp_path / f"after{number}"], log) == 0, (seed, log.read_text())
            assert digests(found) == digests(tmp_path / f"after{number}"), seed
        for path, content in before.items():
            path.write_bytes(content)
