import re
from pathlib import Path

import click
import pytest

from components.errors import DataRefused, EnvironmentRefused, HeartbeatError, ModelRefused, UsageError
from pipeline.cli import heartbeat, main
from pipeline.commands.flags import Place
from pipeline.pages import all_commands

TOP = Path(__file__).parents[2]

PLACES = [
    pytest.param(command, parameter, id=f"{words} {parameter.opts[0]}")
    for words, command in all_commands()
    for parameter in command.params
    if isinstance(parameter.type, Place)
]


def raising(error: BaseException) -> click.Command:
    @click.command()
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code"),
    [(UsageError, 2), (DataRefused, 3), (ModelRefused, 4), (EnvironmentRefused, 6), (HeartbeatError, 1)],
)
def test_a_refusal_is_sentences_on_stderr_and_its_exit_code(
    error: type[HeartbeatError], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(raising(error(["First.", "Second."])), []) == code
    assert capsys.readouterr() == ("", "First.\nSecond.\n")


def test_an_unexpected_error_is_a_sentence_and_its_trace_on_demand(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(raising(ValueError("odd")), []) == 1
    assert capsys.readouterr().err.startswith("Unexpected ValueError: odd.\nSet HEARTBEAT_TRACEBACK=1")
    monkeypatch.setenv("HEARTBEAT_TRACEBACK", "1")
    with pytest.raises(ValueError, match="odd"):
        main(raising(ValueError("odd")), [])


def test_a_full_disk_is_exit_6(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(raising(OSError(28, "No space left on device", "a/b")), []) == 6
    assert "No space left on device: a/b" in capsys.readouterr().err


def test_a_stray_word_is_refused_before_anything_runs(capsys: pytest.CaptureFixture[str]) -> None:
    from pipeline.commands.run import run

    assert main(run, ["DATA", "--dry-run"]) == 2
    said = capsys.readouterr().err
    assert "'DATA' is neither an option" in said
    assert "a glob in quotes" in said


def test_a_beam_option_that_the_local_runner_would_ignore_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    from pipeline.commands.run import run

    assert main(run, ["--dry-run", "--", "--environment_type=EXTERNAL"]) == 2
    assert "Beam's local runner ignores --environment_type: leave it out" in capsys.readouterr().err
    assert main(run, ["--dry-run", "--", "--direct_num_workers=2"]) == 0


def test_a_dry_run_refuses_data_as_the_run_would(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pipeline.commands.run import run

    assert main(run, ["--dry-run", "--data", str(tmp_path)]) == 3
    assert f"{tmp_path} has no mitbih_train.csv" in capsys.readouterr().err


def test_an_interrupted_command_ends_with_130() -> None:
    assert main(raising(KeyboardInterrupt()), []) == 130


def test_a_wrong_flag_is_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(heartbeat, ["--no-such-flag"]) == 2
    assert "--no-such-flag" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["apart", "joined"])
@pytest.mark.parametrize(("command", "parameter"), PLACES)
def test_an_empty_name_of_a_place_is_usage(
    command: click.Command, parameter: click.Parameter, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    flag = parameter.opts[0]
    if isinstance(parameter, click.Option):
        words = [flag, ""] if form == "apart" else [f"{flag}="]
    else:
        words, flag = ["."] * command.params.index(parameter) + [""], parameter.human_readable_name
    assert main(command, words) == 2
    assert f"{flag} is empty" in capsys.readouterr().err


def test_every_flag_of_a_place_is_known_as_one() -> None:
    known = {id(parameter.values[1]) for parameter in PLACES}
    for words, command in all_commands():
        for each in command.params:
            names_place = re.search(r"\b(DIR|FILE|GLOB|PATH|RUN|URI)\b", each.metavar or "")
            if names_place or isinstance(each.type, click.Path):
                assert id(each) in known, f"{words} {each.opts[0]}"


def test_a_command_line_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.commands.run import run

    parsed, make_parser = [], click.Command.make_parser
    monkeypatch.setattr(click.Command, "make_parser", lambda *given: parsed.append(given) or make_parser(*given))
    assert main(run, ["--dry-run", "--root", str(tmp_path)]) == 0
    assert len(parsed) == 1
