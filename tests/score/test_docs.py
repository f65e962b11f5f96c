"""docs/scoring.md: its examples run as written, its commands are the command's, its columns those of the schema."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import duckdb
import pytest

from components.io.scratch import PREFIX, VARIABLE
from components.score.columns import prediction_schema
from pipeline.cli import heartbeat
from tests.score.jobs import read_parts, run, write_csv

PAGE = (Path(__file__).parents[2] / "docs" / "scoring.md").read_text()
PATHS = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])}


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_where_temporary_files_go_is_told():
    assert f"`{PREFIX}*`, in `{VARIABLE}`" in " ".join(PAGE.split())


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


def test_the_sql_runs_as_written(tmp_path, monkeypatch):
    """It asks for records of 100 beats at least, so provenance is there."""
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    write_csv(Path("data/mitbih_test.csv"), 250)
    provenance = "".join(f"{100 + at // 125},{at * 7},N,0\n" for at in range(250))
    Path("data/mitbih_test_provenance.csv").write_text("record,sample,symbol,label\n" + provenance)
    run("data/mitbih_test.csv", output="output/scored")
    [query] = blocks("sql")
    rows = duckdb.sql(query).fetchall()
    assert sorted(record for record, *_ in rows) == ["100", "101"]
    assert all(beats == 125 and 0 <= ventricular <= 1 and 0 < mean < 1 for _, beats, ventricular, mean in rows)
    assert [row[2] for row in rows] == sorted((row[2] for row in rows), reverse=True)


@pytest.mark.slow
def test_commands_run_as_written_one_after_another(tmp_path, saved_model):
    (tmp_path / "data").mkdir()
    write_csv(tmp_path / "data" / "mitbih_test.csv", 60)
    shutil.copytree(saved_model.uri, tmp_path / "output" / "serving" / "1700000000")
    commands = [shlex.split(block) for block in blocks("sh")]
    assert len(commands) >= 3
    for program, *arguments in commands:
        assert program == "heartbeat"
        command = [sys.executable, "-c", "from pipeline.cli import run; run()", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, **PATHS})
        assert done.returncode == 0, (arguments, done.stderr)
    assert (tmp_path / "output" / "scored" / "_SUCCESS").exists()
    assert not (tmp_path / "output" / "all").exists(), "a dry run"


def test_every_flag_and_column_is_on_the_page():
    command = heartbeat.get_command(click.Context(heartbeat), "score")
    flags = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    assert not {flag for flag in flags if flag not in PAGE}


def test_the_table_of_columns_is_that_of_the_parts(tmp_path):
    write_csv(tmp_path / "a.csv", 5)
    run(tmp_path / "a.csv", output=tmp_path / "out")
    schema = read_parts(tmp_path / "out").schema
    assert schema.remove_metadata().equals(prediction_schema())
    table = PAGE.split("The columns of a scored row:")[1].split("\n\n")[1]
    documented = []
    for names, types, meaning in (row.strip("| ").split("|") for row in table.splitlines()[2:]):
        columns = re.findall(r"`(\w+)`", names)
        kinds = [kind.strip() for kind in types.split(",")]
        assert meaning.strip()
        documented += zip(columns, kinds * len(columns) if len(kinds) == 1 else kinds, strict=True)
    assert documented == [(field.name, {"float": "float32"}.get(str(field.type), str(field.type))) for field in schema]
