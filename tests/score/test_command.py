"""`heartbeat score` as a user runs it: a process of its own, killed at random, asked again."""

import glob
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from components.io import lock
from components.io.storage import storage_at
from tests.memory_bucket import MemoryBucket
from tests.score.jobs import digests, read_parts, run, write_csv

FILES, ROWS = 30, 40


def command(*arguments):
    return [sys.executable, "-c", "from pipeline.cli import run; run()", "score", *map(str, arguments)]


def heartbeat(*arguments):
    return subprocess.run(command(*arguments), capture_output=True, text=True)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    for at in range(FILES):
        write_csv(folder / f"{at:02d}.csv", ROWS, seed=at)
    return folder


@pytest.fixture(scope="module")
def unbroken(inputs, saved_model, tmp_path_factory):
    output = tmp_path_factory.mktemp("unbroken") / "out"
    done = heartbeat("--input", f"{inputs}/*.csv", "--output", output, "--model", saved_model.uri, "--workers", 1)
    assert done.returncode == 0, done.stderr
    return output, done


@pytest.mark.slow
def test_the_closing_table_says_what_became_of_the_rows(unbroken):
    output, done = unbroken
    assert f"{FILES} of {FILES}" in done.stdout
    assert f"{FILES * ROWS:,}" in done.stdout
    assert f"{output}/parts" in done.stdout
    assert "Warning" not in done.stderr
    assert read_parts(output).num_rows == FILES * ROWS


@pytest.mark.slow
def test_two_workers_and_json(inputs, saved_model, unbroken, tmp_path):
    flags = ("--input", f"{inputs}/*.csv", "--serving", os.path.dirname(saved_model.uri), "--json")
    done = heartbeat(*flags, "--output", tmp_path / "out", "--workers", 2)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((tmp_path / "out" / "summary.json").read_text())
    assert digests(tmp_path / "out") == digests(unbroken[0])


@pytest.mark.slow
def test_killed_at_random_moments_a_job_resumes_to_the_same_bytes(inputs, saved_model, unbroken, tmp_path):
    flags = ("--input", f"{inputs}/*.csv", "--output", tmp_path / "out", "--model", saved_model.uri, "--resume")
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    for kill in range(5):
        workers = 2 if kill == 2 else 1
        done_before = _shards(tmp_path / "out")
        enough = done_before + rng.randint(0, (FILES - done_before) // (6 - kill))
        job = subprocess.Popen(command(*flags, "--workers", workers), stderr=subprocess.DEVNULL, text=True)
        while job.poll() is None and _shards(tmp_path / "out") < enough:
            time.sleep(0.005)
        time.sleep(rng.random() / 50)
        job.send_signal(signal.SIGKILL)
        assert job.wait() == -signal.SIGKILL, seed
    done = heartbeat(*flags, "--workers", 1)
    assert done.returncode == 0, (seed, done.stderr)
    assert digests(tmp_path / "out") == digests(unbroken[0]), seed


def _shards(output):
    return len(list((output / "shards").glob("*.json"))) if (output / "shards").exists() else 0


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_says_how_to_go_on(inputs, saved_model, tmp_path, number, code):
    flags = ("--input", f"{inputs}/*.csv", "--output", tmp_path / "out", "--model", saved_model.uri, "--workers", 1)
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's `&` has it ignored
    job = subprocess.Popen(command(*flags), stderr=subprocess.PIPE, text=True, preexec_fn=heard)
    while _shards(tmp_path / "out") < 1 and job.poll() is None:
        time.sleep(0.005)
    job.send_signal(number)
    _, said = job.communicate()
    assert job.returncode == code
    assert "--resume" in said
    assert "Traceback" not in said


def test_it_imports_only_what_scoring_needs(inputs, saved_model, tmp_path):
    program = (
        "import atexit, sys; from pipeline.cli import run; atexit.register(lambda: "
        "print(*sorted({name.split('.')[0] for name, module in sys.modules.items() if module}))); run()"
    )
    flags = ["score", "--input", str(inputs / "00.csv"), "--output", str(tmp_path / "out"), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", program, *flags, "--model", saved_model.uri], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.splitlines()[-1].split())
    assert {"tensorflow", "apache_beam", "pyarrow"} <= imported
    assert not imported & {"tfx", "tfx_bsl", "tensorflow_transform", "tensorflow_data_validation", "ml_metadata"}
    assert not imported & {"keras", "sklearn", "IPython"}


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["--input", "nowhere/*.csv"], 3, "matches no file"),
        (["--input", "00.csv", "--resume", "--overwrite"], 2, "give one of the two"),
        (["--input", "00.csv", "--reject-budget", "half"], 2, "--reject-budget half"),
        (["--input", "00.csv", "--no-label"], 3, "Leave --no-label out"),
        (["--input", "00.csv", "--output", "00.csv"], 6, "Choose another --output"),
        (["--input", "00.csv", "--model", "nowhere"], 2, "saved_model.pb"),
        (["--input", "00.csv", "--serving", "nowhere"], 2, "Nothing was pushed to nowhere"),
        (["--input", "00.csv", "--model", "released"], 2, "the released model reads version"),
        (["--input", "00.csv", "--serving", "nowhere", "--model", "m"], 2, "give one of the two"),
        (["--input", "00.csv", "--dry-run", "--json"], 2, "--dry-run does nothing"),
        (["--input", "00.csv", "--dry-run", "--output", "."], 2, "choose another --output"),
        (["--input", "00.csv", "--dry-run", "--output", ".", "--overwrite"], 2, "so it is not overwritten"),
        (["--input", "00.csv", "--output", "caf\udce9"], 3, r"caf\xe9 has a name that is not UTF-8"),
        (["--input", "00.csv", "--assume-shared"], 2, "--assume-shared is about the machines of a cluster"),
    ],
)
def test_refusals_are_sentences_and_exit_codes(inputs, saved_model, tmp_path, monkeypatch, capsys, flags, code, said):
    from pipeline.cli import heartbeat as group
    from pipeline.cli import main

    monkeypatch.chdir(inputs)
    if "--output" not in flags:
        flags = [*flags, "--output", str(tmp_path / "out")]
    if "--model" not in flags and "--serving" not in flags:
        flags = [*flags, "--model", saved_model.uri]
    assert main(group, ["score", *flags]) == code
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.out == ""
    assert not (tmp_path / "out" / "job.json").exists()


def test_a_dry_run_says_what_it_would_read_and_writes_nothing(inputs, saved_model, tmp_path, capsys):
    from pipeline.cli import heartbeat as group
    from pipeline.cli import main

    flags = ["--input", str(inputs / "0*.csv"), "--output", str(tmp_path / "out"), "--model", saved_model.uri]
    assert main(group, ["score", *flags, "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert all(str(inputs / f"0{at}.csv") in shown for at in range(10))
    assert saved_model.short_digest in shown
    assert not (tmp_path / "out").exists()
    run(inputs / "00.csv", output=tmp_path / "out")
    job = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    for flag, code, said in ((None, 2, "already holds a scoring job"), ("--resume", 2, "holds another job"),
                             ("--overwrite", 0, "")):  # fmt: skip
        assert main(group, ["score", *flags, "--dry-run", *([flag] if flag else [])]) == code
        assert said in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == job


def test_a_dry_run_breaks_no_long_path(saved_model, tmp_path, capsys, monkeypatch):
    from pipeline.cli import heartbeat as group
    from pipeline.cli import main

    monkeypatch.setenv("COLUMNS", "40")
    path = tmp_path / ("a_long_folder_" * 9) / "beats.csv"
    path.parent.mkdir()
    write_csv(path, 3)
    flags = ["--input", str(path), "--output", str(tmp_path / "out"), "--model", saved_model.uri]
    assert main(group, ["score", *flags, "--dry-run"]) == 0
    first, second, _ = capsys.readouterr().out.splitlines()
    assert first == f"Would score 1 file into {tmp_path}/out:"
    assert second == f"  {path}: CSV, 0.0 MiB"


def test_the_closing_screen_names_the_files_with_rejects_and_where_each_reject_is(tmp_path, capsys):
    from pipeline.commands.score import show_summary

    inputs = {f"{tmp_path}/{name}.csv": faulty for name, faulty in (("clean", 0), ("a b", 1), ("c", 2))}
    for path, faulty in inputs.items():
        write_csv(Path(path), 30)
        lines = Path(path).read_text().splitlines()
        Path(path).write_text("\n".join(["0.5;0.5"] * faulty + lines[faulty:]))
    show_summary(run(*inputs, output=tmp_path / "out", budget="5%"))
    shown = capsys.readouterr().out
    said = [re.findall(rf"{path}: (.*), within the budget; (.*) says which and why\.", shown) for path in inputs]
    assert [[clause for clause, _ in each] for each in said] == [
        [],
        ["1 of 30 rows was rejected"],
        ["2 of 30 rows were rejected"],
    ]
    [(_, pattern)] = said[1]
    rejects = [line for path in glob.glob(pattern) for line in Path(path).read_text().splitlines()]
    assert len(rejects) == 1


def test_a_job_that_waits_for_a_lock_says_so(inputs, saved_model, monkeypatch, capsys):
    from pipeline import cli

    bucket = MemoryBucket()
    monkeypatch.setattr("components.io.object_stores.bucket_of", lambda scheme, name: bucket)
    monkeypatch.setattr(lock, "REFRESH_SECONDS", 0.1)
    monkeypatch.setattr(lock, "STALE_SECONDS", 0.1)
    storage_at("s3://bucket/out").write(lock.HOLDER, b'{"host": "gone"}')
    monkeypatch.setattr(bucket, "put_if", lambda *_: None)  # another job is a moment faster
    flags = ["--input", f"{inputs}/*.csv", "--output", "s3://bucket/out", "--model", saved_model.uri]
    assert cli.main(cli.heartbeat, ["score", *flags]) == 6
    *before, refused = capsys.readouterr().err.splitlines()  # on a busy machine a line of progress is among them
    assert any(line.startswith("A job on gone has locked s3://bucket/out. Its lock is taken") for line in before)
    assert refused.startswith("Another job is at work in s3://bucket/out: wait until")
