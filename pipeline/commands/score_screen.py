"""The screens of a scoring job: the plan, the progress, the closing table and the sentences."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

import click
from rich.table import Table

from pipeline.console import plain_console

if TYPE_CHECKING:
    from components.score.resume import Progress, ProgressReader
    from components.score.run import ScoreRequest
    from components.score.summary import ScoreSummary
    from pipeline.console import ProgressLine


def show_plan(request: ScoreRequest) -> None:
    """Print what a job would read, with which model, and where to; nothing is written, no row is counted.

    Raises:
        DataRefused: inputs are missing, cannot be read, or have labels where none are expected, or none.
    """
    from components.io.sources import check_labels, find_sources

    sources = find_sources(request.inputs)
    check_labels(sources, request.settings.labelled)
    table = Table(title=f"Would score {len(sources):,} files into {request.output}", title_justify="left")
    for column in ("file", "format", "MiB", "provenance"):
        table.add_column(column, justify="right" if column == "MiB" else "left")
    for source in sources:
        size = f"{source.file.size / (1 << 20):,.1f}"
        table.add_row(source.file.path, source.kind, size, "" if source.provenance is None else source.provenance.path)
    console = plain_console(soft_wrap=True)
    console.print(table)
    console.print(f"Model {request.model.short_digest} from {request.model.uri}")


def show_progress(line: ProgressLine, reader: ProgressReader) -> None:
    """Bring the line up to date, if it is time to."""
    if line.is_due():
        progress = reader.look()
        line.show(*progress.rows, progress_line(progress))


def progress_line(progress: Progress) -> str:
    """Return shards and rows done, rows a second, and the time left, as one line."""
    line = f"{progress.shards[0]:,} of {progress.shards[1]:,} shards, {progress.rows[0]:,} of {progress.rows[1]:,} rows"
    if progress.rate is None or progress.seconds_left is None:
        return line
    return f"{line}, {progress.rate:,.0f} rows/s, {duration(progress.seconds_left)} left"


def duration(seconds: float) -> str:
    """Return seconds in words: `45 s`, `3 min 20 s`, `5 h 10 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def show_summary(summary: ScoreSummary) -> None:
    """Print the closing table on stdout, and what stands in the way of success on stderr."""
    rows, table = summary.rows, Table(title=f"Scoring job: {summary.status}", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    shards = summary.shards
    table.add_row("shards", f"{shards['done']:,} of {shards['planned']:,}, {shards['done_before']:,} done before")
    for name in ("read", "scored", "rejected", "abstained"):
        table.add_row(f"rows {name}", f"{rows[name]:,}")
    for reason, count in summary.reasons.items():
        table.add_row(f"  {reason}", f"{count:,}")
    for symbol, count in summary.classes.items():
        share = f" ({count / rows['scored']:.2%})" if rows["scored"] else ""
        table.add_row(f"class {symbol}", f"{count:,}{share}")
    if summary.confusion is not None and rows["scored"]:
        right = sum(row[index] for index, row in enumerate(summary.confusion))
        table.add_row("agree with the label", f"{right / rows['scored']:.2%}")
    if summary.rows_per_second is not None:
        table.add_row("rows/s", f"{summary.rows_per_second:,.0f}")
    table.add_row("seconds", f"{summary.seconds:,.1f}")
    table.add_row("model", f"{summary.model['digest'][:12]}")
    console = plain_console(soft_wrap=True)
    console.print(table)
    if len(summary.computing) > 1:
        console.print(
            "The workers' processors round in different ways, so that last digits of probabilities differ between "
            f"shards (shards/*.json say which): {'; '.join(summary.computing)}.",
            markup=False,
        )
    if summary.exit_code == 0:
        console.print(f"Scored rows are in {summary.output}/parts, rejects in {summary.output}/rejects.")
    console.print(f"A page of it: heartbeat report {quote(summary.output)}")
    for sentence in (*summary.sentences, *summary.remarks):
        click.echo(sentence, err=True)
