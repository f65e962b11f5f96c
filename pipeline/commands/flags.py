"""Flags that several commands have: Beam's own options after `--`, and on which engine a job runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import click
from click.core import ParameterSource

from components.errors import UsageError

DEFAULT_ROOT = "output"
"""The local folder of runs when none is named."""

DEFAULT_SERVING = f"{DEFAULT_ROOT}/serving"
"""Where that root's runs push to."""

PLACE: Final = re.compile(r"\b(DIR|FILE|GLOB|PATH|RUN|URI)\b")
"""In the metavar of a parameter that names a place; others are of the type click.Path."""


class Command(click.Command):
    """A command that refuses an empty name of a place, which paths would take for this folder, or for the root."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line.

        Raises:
            UsageError: the name of a place is empty.
        """
        values, _, _ = self.make_parser(ctx).parse_args(list(args))
        for parameter in self.params:
            value = values.get(parameter.name or "")
            if names_place(parameter) and any(isinstance(each, str) and not each.strip() for each in _listed(value)):
                raise UsageError(f"{_shown(parameter)} is empty: is it a variable of the shell that is not set?")
        return super().parse_args(ctx, args)


def names_place(parameter: click.Parameter) -> bool:
    """Return whether a parameter names files or folders, here or on an object store."""
    return isinstance(parameter.type, click.Path) or PLACE.search(parameter.metavar or "") is not None


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else (value,)


def _shown(parameter: click.Parameter) -> str:
    return parameter.opts[0] if isinstance(parameter, click.Option) else parameter.human_readable_name


def with_beam_options(command: Any) -> Any:
    """Let a command take `[-- BEAM OPTIONS]`, as `beam_options`.

    Raises:
        UsageError: a stray word, which would otherwise be passed to Beam and change nothing.
    """
    argument = click.argument(
        "beam_options", nargs=-1, type=click.UNPROCESSED, metavar="[-- BEAM OPTIONS]", callback=_only_options
    )
    return argument(command)


def given(flags: Sequence[str]) -> list[str]:
    """Return those of the running command's flags, such as `--skip-bad`, that the user gave."""
    context = click.get_current_context()
    source = {
        name: context.get_parameter_source(parameter.name)
        for parameter in context.command.params
        if parameter.name is not None
        for name in parameter.opts
    }
    return [flag for flag in flags if source[flag] is not ParameterSource.DEFAULT]


def refuse_json_of_nothing(dry_run: bool, as_json: bool) -> None:
    """Refuse --json with --dry-run, which leaves no summary to print, with UsageError."""
    if dry_run and as_json:
        raise UsageError("--json prints the summary of what was done, and --dry-run does nothing: give one of the two.")


def _only_options(context: click.Context, parameter: click.Parameter, words: tuple[str, ...]) -> tuple[str, ...]:
    if words and not words[0].startswith("-"):
        raise UsageError(
            f"{words[0]!r} is neither an option nor an option's value: see {context.command_path} --help. "
            "Options for Beam follow after `--`."
        )
    return words


def with_engine_flags(command: Any) -> Any:
    """Let a command take `--on` and what belongs to it."""
    flags = (
        click.option(
            "--on",
            metavar="ENGINE",
            help="Where to run: flink://HOST:8081, spark://HOST:7077 or dataflow. Default: this machine.",
        ),
        click.option(
            "--job-endpoint", metavar="HOST:PORT", help="Beam's job server for Flink or Spark. Default: one is started."
        ),
        click.option(
            "--worker-command",
            metavar="PATH",
            help="heartbeat-worker on the engine's machines. Default: where it is on this one.",
        ),
        click.option("--assume-shared", is_flag=True, help="Local paths are mounted on all of the engine's machines."),
    )
    for flag in reversed(flags):
        command = flag(command)
    return command
