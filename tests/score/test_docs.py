"""docs/scoring.md: its examples run as written, its commands are the command's, its columns those of the schema."""

import re
import shlex
from pathlib import Path

import click
import pytest

from components.score.columns import prediction_schema
from pipeline.cli import heartbeat, main
from tests.score.jobs import run, write_csv

PAGE = (Path(__file__).parents[2] / "docs" / "scoring.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def _scored(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    write_csv(Path("data/mitbih_test.csv"), 60)
    run("data/mitbih_test.csv", output="output/scored")


@pytest.mark.usefixtures("_scored")
@pytest.mark.parametrize("example", blocks("python"), ids=["pandas", "beam"])
def test_examples_run_as_written(example, capfd):
    exec(compile(example, "scoring.md", "exec"), {"__name__": "example"})
    assert re.search(r"N|V|S", capfd.readouterr().out)


@pytest.mark.usefixtures("_scored")
@pytest.mark.parametrize("block", blocks("sh"))
def test_commands_are_understood(block, saved_model):
    program, *arguments = shlex.split(block)
    assert program == "heartbeat"
    flags = [] if "--dry-run" in arguments else ["--dry-run"]
    assert main(heartbeat, [*arguments, "--model", saved_model.place, *flags]) == 0


def test_every_flag_and_column_is_on_the_page():
    command = heartbeat.get_command(click.Context(heartbeat), "score")
    flags = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    assert not {flag for flag in flags if flag not in PAGE}
    assert not {name for name in prediction_schema().names if f"`{name}`" not in PAGE}
