"""Write the pages of docs/ that are made from the code, settings.md and cli.md: `python -m pipeline.pages docs`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from inspect import cleandoc
from operator import attrgetter
from pathlib import Path
from typing import Any

import click

from components.settings import Settings
from pipeline.cli import COMMANDS, heartbeat
from pipeline.profiles import PROFILES
from pipeline.settings import RunSettings, all_settings, settings_from

SETTINGS_HEAD = """# Settings and profiles

A run's settings are a profile's values, changed by any number of `--set group.name=value`. A value is JSON if it parses
as JSON (`--set train.epochs=12`, `--set 'evaluate.draws=[1,2]'`), else a string (`--set train.policy=natural`). An
unknown name is refused, with the nearest known ones. So is a setting that would have no effect, such as `tune.trials`
in a run without Tuner. Differences from the profile are printed at the start of the run; all settings are saved in
`runs/<run id>/settings.json`. `make docs` generates this page from the code.

| profile | stages | purpose |
|---|---|---|
"""

PURPOSE = {
    "demo": "a run of minutes on the synthetic demo set, through every stage; the default of `local_runner.py`",
    "full": "full training on real beats",
    "study": "the study's network and training, to reproduce its rows: 186 columns, 16,000 beats per class, batch 32, "
    "no standardisation, no Tuner",
    "patient": "new patients: beats with context, from recordings that `heartbeat prepare` split by patient",
}


CLI_HEAD = """# Commands

Every command and option, as in its `--help`. `make docs` generates this page from the code.
If a command takes `[-- BEAM OPTIONS]`, what follows `--` is passed to Beam, for example `-- --runner=FlinkRunner`.
"""


def settings_page() -> str:
    """Return the page as Markdown."""
    profiles = {name: settings_from(name) for name in PROFILES}
    lines = [SETTINGS_HEAD.rstrip("\n")]
    for name, settings in profiles.items():
        lines.append(f"| `{name}` | {' → '.join(settings.stages)} | {PURPOSE[name]} |")
    for name, field in RunSettings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Settings):
            lines += ["", f"## {name}", "", (field.annotation.__doc__ or "").splitlines()[0], ""]
            lines += [f"| setting | {' | '.join(f'`{profile}`' for profile in profiles)} | meaning |"]
            lines += ["|---|" + "---|" * (len(profiles) + 1)]
            for key, setting in all_settings(field.annotation, f"{name}."):
                values = " | ".join(_shown(attrgetter(key)(settings)) for settings in profiles.values())
                lines.append(f"| `{key}` | {values} | {(setting.description or '').replace('|', '/')} |")
    return "\n".join(lines) + "\n"


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value) or "none"
    return str(value)


def all_commands() -> Iterator[tuple[str, click.Command]]:
    """Yield the words that call a command, and the command, for all; groups come before their commands."""
    from pipeline.commands.kubeflow import kubeflow
    from pipeline.commands.run import run

    yield "python local_runner.py", run
    yield "python kubeflow_runner.py", kubeflow
    yield "heartbeat", heartbeat
    for name in COMMANDS:
        command = heartbeat.get_command(click.Context(heartbeat), name)
        assert command is not None
        yield f"heartbeat {name}", command
        if isinstance(command, click.Group):
            yield from ((f"heartbeat {name} {inner}", command.commands[inner]) for inner in command.commands)


def cli_page() -> str:
    """Return the reference of all commands as Markdown."""
    lines = [CLI_HEAD.rstrip("\n")]
    for words, command in all_commands():
        context = click.Context(command, info_name=words, **command.context_settings)
        usage = " ".join(command.collect_usage_pieces(context))
        lines += ["", f"## `{words}`", "", f"`{words} {usage}`", "", cleandoc(command.help or "").replace("<", "&lt;")]
        records = [each.get_help_record(context) for each in command.get_params(context)]
        options = [record for record in records if record and record[1]]
        if options:
            lines += ["", "| option | meaning |", "|---|---|"]
            lines += [f"| `{_cell(names)}` | {_cell(meaning)} |" for names, meaning in options]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("  [", " [")


if __name__ == "__main__":
    for name, page in (("settings.md", settings_page()), ("cli.md", cli_page())):
        Path(sys.argv[1], name).write_text(page, encoding="utf-8")
