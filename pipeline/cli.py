"""The `heartbeat` command, and how any command turns an error into a sentence and an exit code."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import NoReturn

import click

from components.errors import UsageError
from components.io.signals import INTERRUPTED
from components.score.beam_private import leave_out_unused
from pipeline.refusal import UnexpectedError, refusal_behind

COMMANDS = {
    "compare": "Compare the annotations of records with reference annotations, beat by beat.",
    "doctor": "Check that a run can succeed, before it starts.",
    "models": "List, show and roll back pushed models.",
    "prepare": "Turn recordings into CSV or Parquet files for training, or find their beats.",
    "report": "Write the report of a run, a scoring job or a recording.",
    "score": "Score beats or recordings with a pushed model or the released one.",
}
"""Subcommands and their one-line help, so that `heartbeat --help` imports none of them."""

TRACEBACK = "HEARTBEAT_TRACEBACK"
"""Set this environment variable to see full stack traces."""


def silence_libraries() -> None:
    """Silence TensorFlow's start-up messages, warnings about Python 3.10's age, and Google's search for credentials.

    Must be called before any of them is imported. Everything else that libraries print goes to the run's log.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("PYTHONWARNINGS", "ignore::FutureWarning")  # inherited by child processes
    warnings.simplefilter("ignore", FutureWarning)
    for name in ("apache_beam.internal.gcp.auth", "google.auth", "heartbeat.report"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


class LazyGroup(click.Group):
    """A group that imports `pipeline.commands.<name>` when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all subcommands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a subcommand, or None if there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(f"pipeline.commands.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of subcommands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=LazyGroup)
@click.version_option(package_name="heartbeat")
def heartbeat() -> None:
    """Prepare data, score beats and manage the models of an ECG heartbeat classifier."""


def _own_temporary_folder() -> AbstractContextManager[Path | None]:
    from components.io.scratch import own_temporary_folder  # imports the stores, which --help does not need

    return own_temporary_folder()


def main(command: click.Command, argv: Sequence[str] | None = None) -> int:
    """Run a command, whose function returns an exit code or None; every refusal becomes sentences on stderr."""
    name = command.name if argv is not None else None
    silence_libraries()
    try:
        with nullcontext() if "--help" in (sys.argv if argv is None else argv) else _own_temporary_folder():
            code = command.main(args=None if argv is None else list(argv), prog_name=name, standalone_mode=False)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as wrong:
        wrong.show()
        return UsageError.exit_code
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        refused = refusal_behind(error)
        for sentence in refused.sentences:
            click.echo(sentence, err=True)
        if isinstance(refused, UnexpectedError):
            click.echo(f"Set {TRACEBACK}=1 to see where it happened.", err=True)
        return refused.exit_code
    return code if isinstance(code, int) else 0


def run() -> NoReturn:
    """Entry point of the `heartbeat` console script."""
    if sys.argv[1:2] == ["score"]:
        leave_out_unused()
    sys.exit(main(heartbeat))
