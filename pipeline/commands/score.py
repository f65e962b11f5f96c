"""`heartbeat score`: score any number of beats with a pushed model; its plan, progress and closing table."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from shlex import quote
from typing import TYPE_CHECKING, Any, Literal

import click

from components.errors import UsageError, counted
from components.io.signals import Terminated, sigterm_raised
from pipeline.commands.flags import (
    DEFAULT_SERVING,
    PLACE,
    given,
    refuse_json_of_nothing,
    with_beam_options,
    with_engine_flags,
)

if TYPE_CHECKING:
    from components.score.model import ModelRef
    from components.score.resume import Progress, ProgressReader
    from components.score.run import ScoreRequest
    from components.score.summary import ScoreSummary
    from pipeline.console import ProgressLine

NAMED_FILES = 5
"""Inputs with rejects that the closing screen names; summary.json has the counts of all."""


@click.command(context_settings={"show_default": True, "max_content_width": 110})
@click.option(
    "--input",
    "inputs",
    metavar="GLOB",
    type=PLACE,
    multiple=True,
    required=True,
    help="Recordings (WFDB, EDF, BDF), or beats (Kaggle-format CSV, .gz too, Parquet, TFRecord of tf.Example): a file, "
    "a folder or a quoted glob; repeatable.",
)
@click.option("--output", metavar="DIR|URI", type=PLACE, required=True, help="The scoring directory: rows in parts/.")
@click.option(
    "--model",
    metavar="DIR|URI",
    type=PLACE,
    help="A model's directory. Default: the newest one in --serving; if nothing was pushed and no --serving is given, "
    "`released`, the model included in Heartbeat.",
)
@click.option("--serving", metavar="DIR|URI", type=PLACE, default=DEFAULT_SERVING, help="Where models are pushed to.")
@click.option(
    "--lead", metavar="NAME|INDEX", help="Recordings: the lead to score. Default: II, MLII, ML2, ECG1, else the first."
)
@click.option(
    "--annotator",
    metavar="EXT",
    help="Recordings: take the beats from these annotations, such as atr. Default: find them in the signal.",
)
@click.option(
    "--annotations",
    metavar="EXT|csv|edf",
    help="Recordings: write annotations/ in this form, a WFDB extension such as pred, or CSV or EDF+. Default: none.",
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16", "int8", "auto"]),
    default="auto",
    help="Numeric precision of the model, if released for it. auto: the fastest that this machine has instructions "
    "for; float32 on a cluster.",
)
@click.option("--format", type=click.Choice(["parquet", "csv"]), default="parquet", help="Format of the scored rows.")
@click.option("--resume", is_flag=True, help="Continue an unfinished job, or start it.")
@click.option("--overwrite", is_flag=True, help="Replace the job that the directory holds.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Local processes; 1 scores in this one. With --on: slots, cores, or maximum machines.",
    show_default="one per core, at most one per shard; with --on all that are free",
)
@with_engine_flags
@click.option(
    "--reject-budget", metavar="N|x%", default="1%", help="Rows that may be rejected, as a number or a share."
)
@click.option("--no-label", is_flag=True, help="The rows carry no label: 187 columns, not 188.")
@click.option("--dry-run", is_flag=True, help="Say what would be scored, and with which model; score nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print summary.json on stdout instead of the table.")
@with_beam_options
def score(
    inputs: tuple[str, ...],
    output: str,
    model: str | None,
    serving: str,
    lead: str | None,
    annotator: str | None,
    annotations: str | None,
    precision: Literal["float32", "bfloat16", "int8", "auto"],
    format: Literal["parquet", "csv"],
    resume: bool,
    overwrite: bool,
    workers: int | None,
    reject_budget: str,
    no_label: bool,
    dry_run: bool,
    as_json: bool,
    beam_options: tuple[str, ...],
    **engine_flags: Any,
) -> int:
    """Score any number of beats or recordings with a model, in one Beam job that can be stopped and resumed.

    Every row of the inputs, and every beat of recordings, ends up in parts/ with its prediction or in rejects/ with a
    reason; recordings/ has a line for each recording. Exit codes: 0 done, 2 usage, 3 data refused, 5 a shard failed or
    too many rejects, 6 environment, 130/143 interrupted.
    """
    if resume and overwrite:
        raise UsageError("--resume continues a job, --overwrite replaces it: give one of the two.")
    if model is not None and given(["--serving"]):
        raise UsageError("--model names a model, --serving where to find the newest: give one of the two.")
    refuse_json_of_nothing(dry_run, as_json)
    _silence_beam()
    from components.score.engines.engine import names_runner
    from components.score.model import find_model
    from components.score.run import ScoreRequest
    from components.score.run import score as run_score
    from components.score.runner import EngineRunner, choose_engine
    from components.score.settings import RejectBudget, ScoreSettings
    from pipeline.console import ProgressLine

    request = ScoreRequest(
        inputs=inputs,
        output=output,
        model=find_model(model, serving, or_released=not given(["--serving"])),
        settings=ScoreSettings(
            format=format,
            labelled=not no_label,
            lead=lead,
            annotator=annotator,
            annotations=annotations,
            precision=precision,
        ),
        existing="resume" if resume else "overwrite" if overwrite else "refuse",
        budget=RejectBudget(reject_budget),
        here=engine_flags["on"] is None and not names_runner(beam_options),
    )
    if request.model.released:
        _name_released(request.model, None if model else serving)
    runner = EngineRunner(choose_engine(options=beam_options, workers=workers, **engine_flags))
    runner.check(request)
    if dry_run:
        show_plan(request)
        if described := runner.describe(request):
            click.echo(described)
        return 0
    with _interruptible(output), ProgressLine("score") as line:
        summary = run_score(request, runner, partial(show_progress, line))
    if as_json:
        click.echo(summary.to_json(), nl=False)
        for sentence in (*summary.sentences, *summary.remarks):
            click.echo(sentence, err=True)
    else:
        show_summary(summary)
    return summary.exit_code


def _name_released(model: ModelRef, serving: str | None) -> None:
    """Say on stderr that the released model is used, and where its card is."""
    from components.io.artifact_files import SIDECAR_DIR
    from components.io.serving import MODEL_CARD
    from components.score.model import model_place

    why = "" if serving is None else f"Nothing that was trained on real beats is in {serving}. "
    card = f"{model_place(model.uri)}/{SIDECAR_DIR}/{MODEL_CARD}"
    click.echo(f"{why}The released model {model.short_digest} is used; its limits: {card}", err=True)


@contextmanager
def _interruptible(output: str) -> Iterator[None]:
    """Print a sentence if Ctrl-C or SIGTERM ends the job; what is done stays done."""
    try:
        with sigterm_raised():
            yield
    except (KeyboardInterrupt, Terminated):
        click.echo(f"Interrupted. What is scored stays in {output}: continue with --resume.", err=True)
        raise


def _silence_beam() -> None:
    """Hide the logs of Beam and engines, and stack traces of failed shards, unless HEARTBEAT_TRACEBACK is set."""
    from pipeline.cli import TRACEBACK

    for name in ("apache_beam", "grpc", *(() if os.environ.get(TRACEBACK) else ("heartbeat.score",))):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if not os.environ.get(TRACEBACK):
        logging.getLogger().addHandler(logging.NullHandler())  # without any handler, the first message makes one
        if logging.lastResort is not None:
            logging.getLogger("heartbeat.lock").addHandler(logging.lastResort)  # on stderr: why the job waits


def show_plan(request: ScoreRequest) -> None:
    """Print what a job would read, with which model, and where to; nothing is written, no row is counted.

    Raises:
        DataRefused: inputs are missing, cannot be read, or have labels where none are expected, or none.
        UsageError: the directory holds something else, or another job; the inputs lack something requested.
    """
    from components.io.sources import NAMES, Source, check_labels
    from components.io.storage import absolute_path, storage_at
    from components.recordings.inputs import Recording
    from components.score.run import fingerprint_of, known_job
    from pipeline.console import print_table

    fingerprint = fingerprint_of(request)
    inputs = fingerprint.inputs
    known_job(storage_at(absolute_path(request.output)), request, fingerprint)
    sources = [each for each in inputs if isinstance(each, Source)]
    if sources:
        check_labels(sources, request.settings.labelled)
        click.echo(f"Would score {counted(len(sources), 'file')} into {request.output}:")
    else:
        click.echo(f"Would score {counted(len(inputs), 'recording')} into {request.output}")
        rows = [
            [each.name, each.file.path, duration(each.seconds) if each.fs else "?"]
            for each in inputs
            if isinstance(each, Recording)
        ]
        print_table(["record", "file", "length"], rows)
    for source in sources:  # no table, which would break long paths
        provenance = "" if source.provenance is None else f", provenance in {source.provenance.path}"
        click.echo(f"  {source.file.path}: {NAMES[source.kind]}, {source.file.size / (1 << 20):,.1f} MiB{provenance}")
    click.echo(f"Model {request.model.short_digest} from {request.model.uri}, in {fingerprint.settings.precision}")


def show_progress(line: ProgressLine, reader: ProgressReader) -> None:
    """Update the line, if it is time to."""
    if line.is_due():
        progress = reader.look()
        line.show(*progress.amount, progress_line(progress))


def progress_line(progress: Progress) -> str:
    """Return shards and rows or hours done, how many a second, and the time left, as one line."""
    shards = f"{progress.shards[0]:,} of {counted(progress.shards[1], 'shard')}"
    if progress.unit == "rows":
        done, rate = (
            f"{progress.amount[0]:,} of {counted(int(progress.amount[1]), 'row')}",
            f"{progress.rate or 0:,.0f} rows/s",
        )
    else:
        hours, of_hours = (f"{seconds / 3600:,.1f}" for seconds in progress.amount)
        done, rate = f"{hours} of {of_hours} hours recorded", f"{(progress.rate or 0) / 3600:,.2f} hours/s"
    if progress.rate is None or progress.seconds_left is None:
        return f"{shards}, {done}"
    return f"{shards}, {done}, {rate}, {duration(progress.seconds_left)} left"


def duration(seconds: float) -> str:
    """Return seconds in words: `45 s`, `3 min 20 s`, `5 h 10 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def show_summary(summary: ScoreSummary) -> None:
    """Print the closing table on stdout, and what keeps the job from success on stderr."""
    from rich.table import Table

    from components.score.model import RELEASED
    from pipeline.console import plain_console

    rows, table = summary.rows, Table(title=f"Scoring job: {summary.status}", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    shards = summary.shards
    table.add_row("shards", f"{shards['done']:,} of {shards['planned']:,}, {shards['done_before']:,} done before")
    what = "rows"
    if (recordings := summary.recordings) is not None:
        table.add_row("recordings", f"{recordings['used']:,.0f} of {recordings['planned']:,.0f}")
        table.add_row("recorded", duration(recordings["seconds"]))
        table.add_row("  of this without an ECG", duration(recordings["seconds"] - recordings["seconds_read"]))
        what = "beats"
    for name in ("read", "scored", "abstained", "rejected"):
        table.add_row(f"{what} {name}", f"{rows[name]:,}")
    for reason, count in summary.reasons.items():
        table.add_row(f"  {reason}", f"{count:,}")
    for symbol, count in summary.classes.items():
        share = f" ({count / rows['scored']:.2%})" if rows["scored"] else ""
        table.add_row(f"class {symbol}", f"{count:,}{share}")
    if summary.confusion is not None and rows["scored"]:
        right = sum(row[index] for index, row in enumerate(summary.confusion))
        table.add_row("agree with the label", f"{right / rows['scored']:.2%}")
    if summary.rows_per_second is not None:
        table.add_row(f"{what}/s", f"{summary.rows_per_second:,.0f}")
    table.add_row("seconds", f"{summary.seconds:,.1f}")
    released = ", released" if summary.model["place"] == RELEASED else ""
    table.add_row("model", f"{summary.model['digest'][:12]}{released}")
    table.add_row("computed in", summary.model.get("precision", "float32"))
    console = plain_console(soft_wrap=True)
    console.print(table)
    if len(summary.computing) > 1:
        console.print(
            "The workers' processors round in different ways, so that last digits of probabilities differ between "
            f"shards (shards/*.json say which): {'; '.join(summary.computing)}."
        )
    if summary.exit_code == 0:
        lines = "" if recordings is None else f" A line for each recording is in {summary.output}/recordings."
        console.print(f"Scored {what} are in {summary.output}/parts, rejects in {summary.output}/rejects.{lines}")
        for line in reject_lines(summary):
            console.print(line)
    console.print(f"A page of it: heartbeat report {quote(summary.output)}")
    for sentence in (*summary.sentences, *summary.remarks):
        click.echo(sentence, err=True)


def reject_lines(summary: ScoreSummary) -> list[str]:
    """Say of which tables rows were rejected within the budget, and which files hold them."""
    from components.io.shards import stem_of

    files = [(index, file) for index, file in enumerate(summary.files) if file["rejected"]]
    lines = []
    for index, file in files[:NAMED_FILES]:
        shards = f"{stem_of(index, file['file'], 0).rpartition('-')[0]}-*.jsonl"
        were = "was" if file["rejected"] == 1 else "were"
        lines.append(
            f"{file['file']}: {file['rejected']:,} of {counted(file['rows'], 'row')} {were} rejected, within the "
            f"budget; {summary.output}/rejects/{shards} says which and why."
        )
    if len(files) > NAMED_FILES:
        lines.append(f"{counted(len(files) - NAMED_FILES, 'more file')} had rows rejected.")
    return lines
