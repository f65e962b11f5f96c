"""Flags shared by several commands: paths and URIs, Beam's own options after `--`, the engine of a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import click
from click.core import ParameterSource

from components.errors import UsageError

DEFAULT_ROOT = "output"
"""The local folder of runs when none is named."""

DEFAULT_SERVING = f"{DEFAULT_ROOT}/serving"
"""Where runs in that root push to."""


class Place(click.Path[Any]):
    """A name of files or folders. An empty one is refused: paths would take it for this folder, or for the root."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the name as click.Path does.

        Raises:
            UsageError: it is empty.
        """
        if isinstance(value, str) and not value.strip():
            name = param.opts[0] if isinstance(param, click.Option) else param and param.human_readable_name
            raise UsageError(f"{name} is empty: is it a variable of the shell that is not set?")
        return super().convert(value, param, ctx)


PLACE: Final = Place(readable=False)
"""A place here or on an object store; its user checks whether it is usable."""


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
            f"{words[0]!r} is neither an option nor an option's value: see {context.command_path} --help. Put a glob "
            "in quotes; options for Beam follow after `--`."
        )
    return words


def with_engine_flags(command: Any) -> Any:
    """Let a command take `--on` and its related flags."""
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
            type=PLACE,
            help="heartbeat-worker on the engine's machines. Default: where it is on this one.",
        ),
        click.option("--assume-shared", is_flag=True, help="Local paths are mounted on all of the engine's machines."),
    )
    for flag in reversed(flags):
        command = flag(command)
    return command
