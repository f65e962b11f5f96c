"""`heartbeat prepare` as a person types it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import wfdb

from pipeline.cli import heartbeat, main
from pipeline.commands.prepare import prepare
from tests.recordings.archives import write_archive
from tests.recordings.test_annotate import scored


def test_an_archive_is_prepared_and_the_table_is_on_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = write_archive(tmp_path / "archive")
    argv = [
        "prepare",
        "--wfdb",
        str(archive),
        "--out",
        str(tmp_path / "out"),
        "--split",
        "record:0.3",
        "--workers",
        "1",
    ]
    assert main(heartbeat, argv) == 0
    out = capsys.readouterr().out
    assert re.search(r"mitbih_train\.csv\s*│\s*78", out)
    assert re.search(r"120 annotations: 117 rows, 3 last of their record", out)
    assert "Split record:0.3, seed 0: 1 of 3 records" in out


def test_a_bad_record_ends_with_3_and_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = write_archive(tmp_path / "archive")
    (archive / "p1.dat").unlink()
    argv = ["prepare", "--wfdb", str(archive), "--out", str(tmp_path / "out"), "--split", "record:0.3", "--seed", "1"]
    argv += ["--workers", "1"]
    assert main(heartbeat, argv) == 3
    shown = capsys.readouterr()
    assert "Record p1: its signal file p1.dat is missing." in shown.err
    assert "Traceback" not in shown.err + shown.out
    assert main(heartbeat, [*argv, "--skip-bad"]) == 0
    assert "Left out, 1 reason:\n  Record p1: its signal file p1.dat is missing." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ([], "say how to split them"),
        (["--split", "kaggle"], "for the records of MIT-BIH"),
        (["--detect", "--split", "record:0.2"], "--split has no meaning"),
        (["--detect", "--annotator", "atr"], "--annotator has no meaning"),
        (["--annotate", "x", "--detect"], "--annotate only writes annotations"),
        (["--annotate", "x", "--exclude", "p1", "--seed", "1"], "annotations; --seed, --exclude do not go with it"),
        (["--annotate", "x", "--format", "parquet"], "--format does not go with it"),
        (["--annotate", "x", "--skip-bad"], "--skip-bad does not go with it"),
        (["--annotate", "x", "--map", "ec57"], "--map does not go with it"),
        (["--detect", "--map", "ec57"], "--map gives annotated beats their classes"),
        (["--split", "none", "--map", "B:N"], "--map B:N is not understood at 'B:N'"),
        (["--split", "none", "--map", "ec57,B=X"], "is not understood at 'B=X'"),
        (["--annotate", "x", "--workers", "1"], "--workers does not go with it"),
        (["--detect", "--seed", "0"], "--seed draws the records of --split record:FRACTION"),
        (["--split", "patient", "--seed", "1"], "--seed draws the records of --split record:FRACTION"),
        (["--workers", "0"], "--workers"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_flags_that_do_not_go_together_end_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], extra: list[str], said: str
) -> None:
    archive = write_archive(tmp_path / "archive")
    assert main(heartbeat, ["prepare", "--wfdb", str(archive), "--out", str(tmp_path / "out"), *extra]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_beats_are_detected_scored_and_annotated_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = write_archive(tmp_path / "archive", beats=60)
    for path in archive.glob("*.atr"):
        path.unlink()
    common = ["prepare", "--wfdb", str(archive), "--out"]
    assert main(heartbeat, [*common, str(tmp_path / "out"), "--detect", "--workers", "1"]) == 0
    assert "beats found" in capsys.readouterr().out
    lines = (tmp_path / "out" / "beats_provenance.csv").read_text().splitlines()[1:]
    rows = [(line.split(",")[0], int(line.split(",")[1]), "V", False) for line in lines]
    job = scored(tmp_path / "scored", rows)
    assert main(heartbeat, [*common, str(archive), "--annotate", str(job)]) == 0
    assert f"{len(rows)} beats of 3 records annotated" in capsys.readouterr().out
    back = wfdb.rdann(str(archive / "p1"), "pred")
    assert back.sample.tolist() == [sample for record, sample, *_ in rows if record == "p1"]
    assert set(back.symbol) == {"V"}


def test_a_folder_that_cannot_be_written_ends_with_6(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = write_archive(tmp_path / "archive")
    (tmp_path / "file").write_text("x")
    argv = ["prepare", "--wfdb", str(archive), "--out", str(tmp_path / "file"), "--split", "record:0.3"]
    assert main(heartbeat, argv) == 6
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_says_one_sentence_and_leaves_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    archive = write_archive(tmp_path / "archive")

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("components.recordings.prepare.join_parts", interrupt)
    monkeypatch.setattr("pipeline.console.PLAIN_SECONDS", 1e9)  # no line of progress on a busy machine
    argv = ["prepare", "--wfdb", str(archive), "--out", str(tmp_path / "out"), "--split", "record:0.3"]
    assert main(heartbeat, [*argv, "--workers", workers]) == 130
    assert capfd.readouterr() == ("", f"Interrupted: nothing was written to {tmp_path / 'out'}.\n")
    assert not (tmp_path / "out").exists()


def test_a_refusal_leaves_no_folder(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive")
    (archive / "p1.dat").unlink()
    argv = ["prepare", "--wfdb", str(archive), "--out", str(tmp_path / "a" / "out"), "--split", "record:0.3"]
    assert main(heartbeat, [*argv, "--workers", "1"]) == 3
    assert not (tmp_path / "a").exists()


def test_help_imports_nothing_heavy() -> None:
    heavy = "('wfdb', 'numpy', 'scipy', 'tfx')"
    code = f"import pipeline.commands.prepare, sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout.strip() == "[]"


def test_the_page_names_every_flag_and_no_other() -> None:
    page = (Path(__file__).parents[3] / "docs" / "prepare.md").read_text()
    runner = {"--data", "--profile", "--no-label"}
    options = {flag for parameter in prepare.params for flag in parameter.opts}
    assert set(re.findall(r"--[a-z][a-z-]*", page)) == options | runner
