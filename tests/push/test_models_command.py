from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from components.io.serving import ServingDirectory
from pipeline.cli import main
from pipeline.commands.models import models
from tests.io.test_serving import a_model

FIGURES = {"accuracy": 0.98765, "macro_f1": 0.91234, "loss": 0.0456}


@pytest.fixture
def serving(tmp_path):
    for now, content in ((1_700_000_000, "one"), (1_700_000_100, "two")):
        model = a_model(tmp_path / content, content)
        told = {"synthetic": content == "one", "split": "kaggle", "metrics": {"clean": FIGURES, "noisy": FIGURES}}
        (model / "assets.extra" / "heartbeat" / "metrics.json").write_text(json.dumps(told))
        ServingDirectory(str(tmp_path / "serving")).push(model, lambda now=now: now)
    return str(tmp_path / "serving")


def test_list_shows_versions_oldest_first_and_which_serves(serving, capsys):
    assert main(models, ["list", "--serving", serving]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "17000" in line]
    assert [line.split()[0] for line in lines] == ["1700000000", "1700000100"]
    assert "2023-11-14" in lines[0]
    assert "98.77%" in lines[0]
    assert "0.912" in lines[0]
    assert "SYNTHETIC" in lines[0]
    assert "serves now" not in lines[0]
    assert "kaggle" in lines[1]
    assert "serves now" in lines[1]


def test_list_json_is_json_alone(serving, capsys):
    assert main(models, ["list", "--serving", serving, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [version["version"] for version in told] == [1_700_000_000, 1_700_000_100]
    assert [version["newest"] for version in told] == [False, True]
    assert told[0]["metrics"]["metrics"]["clean"]["accuracy"] == 0.98765


def test_list_of_an_empty_place_says_so_on_stderr(tmp_path, capsys):
    assert main(models, ["list", "--serving", str(tmp_path / "none")]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "Nothing was pushed" in told.err


def test_show_tells_digests_and_figures(serving, capsys):
    assert main(models, ["show", "1700000100", "--serving", serving]) == 0
    told = capsys.readouterr().out
    assert "noisy macro_f1" in told
    assert "0.0456" in told
    [digest] = [line.split()[1] for line in told.splitlines() if line.split()[:1] == ["model"]]
    assert len(digest) == 64


def test_show_says_when_a_model_was_changed_after_its_push(serving, capsys):
    (Path(serving) / "1700000100" / "saved_model.pb").write_text("another")
    assert main(models, ["show", "1700000100", "--serving", serving]) == 0
    assert "CHANGED since its push" in capsys.readouterr().out
    assert main(models, ["show", "1700000000", "--serving", serving]) == 0
    assert "CHANGED" not in capsys.readouterr().out


def test_rollback_makes_an_old_version_serve(serving, capsys):
    assert main(models, ["rollback", "1700000000", "--serving", serving]) == 0
    assert "a copy of 1700000000, serves now" in capsys.readouterr().out
    main(models, ["list", "--serving", serving, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert len(told) == 3
    assert told[-1]["origin"] == 1_700_000_000
    assert told[-1]["digest"] == told[0]["digest"]


@pytest.mark.parametrize("command", ["show", "rollback"])
def test_unknown_version_is_a_sentence_and_exit_code_2(serving, capsys, command):
    assert main(models, [command, "3", "--serving", serving]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "There is no version 3" in told.err
    assert "It has 1700000000, 1700000100." in told.err


def test_a_word_for_a_version_is_usage(serving, capsys):
    assert main(models, ["show", "newest", "--serving", serving]) == 2
    assert "newest" in capsys.readouterr().err


def test_models_without_sidecars_are_listed_all_the_same(tmp_path, capsys):
    model = a_model(tmp_path / "model")
    for sidecar in ("metrics.json", "digests.json"):
        (model / "assets.extra" / "heartbeat" / sidecar).unlink()
    ServingDirectory(str(tmp_path / "serving")).push(model, lambda: 5.0)
    assert main(models, ["list", "--serving", str(tmp_path / "serving")]) == 0
    assert "unknown" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--help"], ["list", "--help"], ["rollback", "--help"]])
def test_help_imports_no_tensorflow(arguments):
    code = (
        "import sys\nfrom pipeline.cli import main\nfrom pipeline.commands.models import models\n"
        f"code = main(models, {arguments!r})\n"
        "assert not {'tensorflow', 'tfx', 'apache_beam', 'numpy'} & set(sys.modules), sorted(sys.modules)\n"
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout
