import re
from pathlib import Path

import click
import pytest

from pipeline.pages import all_commands, cli_page, settings_page
from pipeline.settings import RunSettings, all_settings

DOCS = Path(__file__).parents[2] / "docs"
UNITS = ("processes", "records", "model's number", "rows", "seconds", "share")
"""What numbers of options count; a numeric option says in its help which of them it is."""

OPTIONS = [
    pytest.param(command, option, id=f"{words} {option.opts[0]}")
    for words, command in all_commands()
    for option in command.params
    if isinstance(option, click.Option)
]


@pytest.mark.parametrize(("name", "page"), [("settings.md", settings_page()), ("cli.md", cli_page())])
def test_a_page_is_what_the_code_says(name: str, page: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == page, "run `make docs`"


def test_the_page_of_settings_names_every_setting() -> None:
    page = settings_page()
    missing = [key for key, _ in all_settings(RunSettings) if "." in key and f"`{key}`" not in page]
    assert missing == []


def test_the_reference_has_every_command_with_its_options() -> None:
    sections = dict(re.findall(r"^## `(.+?)`\n(.*?)(?=^## |\Z)", cli_page(), re.MULTILINE | re.DOTALL))
    assert list(sections) == [words for words, _ in all_commands()]
    for words, command in all_commands():
        assert command.help, words
        for option in command.params:
            if isinstance(option, click.Option):
                assert f"| `{option.opts[0]}" in sections[words]


@pytest.mark.parametrize(("command", "option"), OPTIONS)
def test_an_option_says_what_it_is_its_unit_and_what_holds_without_it(
    command: click.Command, option: click.Option
) -> None:
    context = click.Context(command, **command.context_settings)
    record = option.get_help_record(context)
    assert record is not None
    meaning = record[1]
    assert re.match(r"[\w/].{10,}", meaning), "a sentence of help"
    if not (option.is_flag or option.multiple):
        assert re.search(r"\[default|Default: |\[required\]", meaning), "says what holds where it is not given"
    if isinstance(option.type, (click.types.IntParamType, click.types.FloatParamType)):
        assert any(unit in meaning.lower() for unit in UNITS), "says what its number counts"
