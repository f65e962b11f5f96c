"""The words behind `--`: options for Beam, and nothing else."""

from __future__ import annotations

from typing import Any

import click

from components.errors import UsageError


def _only_options(context: click.Context, parameter: click.Parameter, words: tuple[str, ...]) -> tuple[str, ...]:
    if words and not words[0].startswith("-"):
        raise UsageError(
            f"{words[0]!r} is neither an option nor an option's value: see {context.command_path} --help. "
            "Options for Beam follow after `--`."
        )
    return words


def beam_options(command: Any) -> Any:
    """Let a command take `[-- BEAM OPTIONS]`.

    Raises:
        UsageError: a stray word, which would otherwise be passed to Beam and change nothing.
    """
    argument = click.argument(
        "beam_options", nargs=-1, type=click.UNPROCESSED, metavar="[-- BEAM OPTIONS]", callback=_only_options
    )
    return argument(command)
