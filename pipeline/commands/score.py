"""`heartbeat score`: score any number of beats with a pushed model."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Literal

import click

from components.errors import UsageError
from components.io.signals import Terminated, sigterm_raised
from pipeline.commands.flags import DEFAULT_SERVING, with_beam_options, with_engine_flags


@click.command(context_settings={"show_default": True, "max_content_width": 110})
@click.option(
    "--input",
    "inputs",
    metavar="GLOB",
    multiple=True,
    required=True,
    help="Kaggle-format CSV (.gz too), Parquet, TFRecord of tf.Example: a file, a folder or a quoted glob; repeatable.",
)
@click.option("--output", metavar="DIR|URI", required=True, help="The scoring directory: rows in parts/.")
@click.option("--model", metavar="DIR|URI", help="A model's directory. Default: the newest one in --serving.")
@click.option("--serving", metavar="DIR|URI", default=DEFAULT_SERVING, help="Where models are pushed to.")
@click.option("--format", type=click.Choice(["parquet", "csv"]), default="parquet", help="Of the scored rows.")
@click.option("--resume", is_flag=True, help="Go on with an unfinished job, or begin it.")
@click.option("--overwrite", is_flag=True, help="Replace the job that the directory holds.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Local processes; 1 scores in this one. With --on: slots, cores, or most machines.",
    show_default="as many as cores, at most as many as shards; with --on all that are free",
)
@with_engine_flags
@click.option("--reject-budget", metavar="N|x%", default="1%", help="Rows that may be rejected, or the share of them.")
@click.option("--no-label", is_flag=True, help="The rows carry no label: 187 columns, not 188.")
@click.option("--dry-run", is_flag=True, help="Say what would be scored with what, and score nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print summary.json on stdout instead of the table.")
@with_beam_options
def score(
    inputs: tuple[str, ...],
    output: str,
    model: str | None,
    serving: str,
    format: Literal["parquet", "csv"],
    resume: bool,
    overwrite: bool,
    workers: int | None,
    on: str | None,
    job_endpoint: str | None,
    worker_command: str | None,
    assume_shared: bool,
    reject_budget: str,
    no_label: bool,
    dry_run: bool,
    as_json: bool,
    beam_options: tuple[str, ...],
) -> int:
    """Score any number of beats with a pushed model, in one Beam job that can be stopped and resumed.

    Every row of the inputs ends up in parts/ with its prediction or in rejects/ with a reason. Exit codes: 0 done,
    2 usage, 3 data refused, 5 a shard failed or too many rejects, 6 environment, 130/143 interrupted.
    """
    if resume and overwrite:
        raise UsageError("--resume goes on with a job, --overwrite replaces it: give one of the two.")
    _silence_beam()
    from components.score.model import find_model
    from components.score.run import ScoreRequest
    from components.score.run import score as run_score
    from components.score.runner import EngineRunner, choose_engine
    from components.score.settings import RejectBudget, ScoreSettings
    from pipeline.commands.score_screen import show_plan, show_progress, show_summary
    from pipeline.console import ProgressLine

    request = ScoreRequest(
        inputs=inputs,
        output=output,
        model=find_model(model, serving),
        settings=ScoreSettings(labelled=not no_label, format=format),
        existing="resume" if resume else "overwrite" if overwrite else "refuse",
        budget=RejectBudget(reject_budget),
    )
    engine = choose_engine(
        on,
        beam_options,
        workers=workers,
        job_endpoint=job_endpoint,
        worker_command=worker_command,
        assume_shared=assume_shared,
    )
    runner = EngineRunner(engine)
    runner.check(request)
    if dry_run:
        show_plan(request)
        if described := runner.describe(request):
            click.echo(described)
        return 0
    with _interruptible(output), ProgressLine("rows") as line:
        summary = run_score(request, runner, partial(show_progress, line))
    if as_json:
        click.echo(summary.to_json(), nl=False)
        for sentence in (*summary.sentences, *summary.remarks):
            click.echo(sentence, err=True)
    else:
        show_summary(summary)
    return summary.exit_code


@contextmanager
def _interruptible(output: str) -> Iterator[None]:
    """Print a sentence where Ctrl-C or SIGTERM ends the job; what is done stays done."""
    try:
        with sigterm_raised():
            yield
    except (KeyboardInterrupt, Terminated):
        click.echo(f"Interrupted. What is scored stays in {output}: go on with --resume.", err=True)
        raise


def _silence_beam() -> None:
    """Hide what Beam and engines log, and the stack trace of a shard that failed, unless HEARTBEAT_TRACEBACK is set."""
    from pipeline.cli import TRACEBACK

    for name in ("apache_beam", "grpc", *(() if os.environ.get(TRACEBACK) else ("heartbeat.score",))):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if not os.environ.get(TRACEBACK):
        logging.getLogger().addHandler(logging.NullHandler())  # without any handler, the first message makes one
        if logging.lastResort is not None:
            logging.getLogger("heartbeat.lock").addHandler(logging.lastResort)  # on stderr: why the job waits
