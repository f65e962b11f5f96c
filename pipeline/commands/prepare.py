"""`heartbeat prepare`: recordings to the beats that the pipeline trains on and the scorer reads."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from components.errors import UsageError, counted
from components.io.signals import INTERRUPTED
from pipeline.commands.flags import Place, given
from pipeline.console import ProgressLine

if TYPE_CHECKING:
    from components.recordings.report import PrepareReport

FLAGS_OF_ANNOTATE = ("--annotate", "--annotator", "--lead", "--out", "--wfdb")
"""Flags that apply when predictions are written as annotations."""

NAMED_POSITIONS = 5
"""How many positions of left-out beats are written for each record."""


@click.command
@click.option(
    "--wfdb",
    type=Place(path_type=Path),
    required=True,
    multiple=True,
    metavar="PATH",
    help="Folder of WFDB records or EDF files, a single one, or a quoted glob; may be given more than once.",
)
@click.option("--out", type=Place(path_type=Path), required=True, metavar="DIR", help="Folder that the result goes to.")
@click.option(
    "--format",
    type=click.Choice(["csv", "parquet"]),
    default="csv",
    show_default=True,
    help="csv: Kaggle's format, with provenance files. parquet: train.parquet and test.parquet, which include it.",
)
@click.option(
    "--split",
    metavar="kaggle|patient[:fold=K/N]|record:FRACTION|none",
    help="kaggle: Kaggle's own test rows. patient: de Chazal's DS1 / DS2, other archives for training. "
    "patient:fold=2/5: the second fifth of the people for testing, from MIT-BIH only DS1. record:0.2: this share of "
    "the records for testing. none: one labelled file, beats.csv or .parquet. Default: kaggle for MIT-BIH; other "
    "archives need one.",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="Seed that decides which records --split record:FRACTION draws.",
)
@click.option("--lead", metavar="NAME|INDEX", default="0", show_default=True, help="Lead to cut the beats from.")
@click.option(
    "--annotator",
    metavar="EXT",
    help="Extension of the annotation files to read [default: atr], or to write with --annotate [default: pred].",
)
@click.option(
    "--map",
    metavar="kaggle|ec57|SYMBOL=CLASS,...",
    help="Class of each annotation symbol: Kaggle's (e, j and n are N), EC57's as in bxb (they are S), "
    "or changes to one of them, such as B=N,n=S  [default: kaggle]",
)
@click.option("--detect", is_flag=True, help="Find beats in the signal; write beats.csv or .parquet without labels.")
@click.option(
    "--annotate",
    type=Place(path_type=Path),
    metavar="DIR",
    help="Write the predictions of this finished scoring directory as WFDB annotations into --out. Default: cut beats.",
)
@click.option(
    "--variants",
    is_flag=True,
    help="Also write variants.parquet, extra rows to train on, made from the training records: pieces of records, "
    "simulated rhythms, noise. Needs --format parquet.",
)
@click.option("--exclude", multiple=True, metavar="RECORD", help="Leave a record out; may be given more than once.")
@click.option(
    "--skip-bad", is_flag=True, help="Continue without records that cannot be used; they are listed at the end."
)
@click.option("--download", is_flag=True, help="First fetch MIT-BIH from PhysioNet into --wfdb, and verify it.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=os.cpu_count() or 1,
    show_default="all cores",
    help="Number of processes.",
)
def prepare(annotate: Path | None, download: bool, annotator: str | None, **options: Any) -> int:
    """Make files of beats, CSVs in Kaggle's format or Parquet, from WFDB records and EDF files.

    Writes mitbih_train.csv, mitbih_test.csv and, for each, a provenance file that says which record and sample every
    row was cut from. From MIT-BIH the test file is byte for byte Kaggle's. With --format parquet it writes
    train.parquet and test.parquet, with the record, sample and symbol of every beat in columns.
    """
    _refuse_ignored(annotate, options["split"], options["detect"], annotator)
    (wfdb, *others) = options["wfdb"]
    if others and (annotate or download):
        raise UsageError(f"{'--annotate' if annotate else '--download'} goes with one --wfdb.")
    from components.recordings.download import download_mitdb
    from components.recordings.prepare import PrepareSettings
    from components.recordings.prepare import prepare as prepare_archive

    try:
        if annotate is not None:
            _annotate(annotate, wfdb, options["out"], annotator or "pred", options["lead"])
            return 0
        if download:
            count = download_mitdb(wfdb)
            click.echo(f"{count} files of MIT-BIH fetched into {wfdb}, checksums right.", err=True)
        began = time.monotonic()
        with ProgressLine("records") as line:
            report = prepare_archive(PrepareSettings(**options, annotator=annotator or "atr"), _progress_on(line))
    except KeyboardInterrupt:
        click.echo(f"Interrupted: nothing was written to {options['out']}.", err=True)
        return INTERRUPTED
    _show(report, options["out"], time.monotonic() - began)
    return 0


def _refuse_ignored(annotate: Path | None, split: str | None, detect: bool, annotator: str | None) -> None:
    """Refuse flags that would have no effect."""
    flags = [flag for parameter in click.get_current_context().command.params for flag in parameter.opts]
    named = given([flag for flag in flags if flag not in FLAGS_OF_ANNOTATE])
    if annotate is not None and named:
        goes = "does" if len(named) == 1 else "do"
        raise UsageError(f"--annotate only writes annotations; {', '.join(named)} {goes} not go with it.")
    if detect and annotator:
        raise UsageError("--detect finds the beats in the signal, so --annotator has no meaning with it.")
    if "--seed" in named and not (split or "").startswith("record:"):
        raise UsageError("--seed draws the records of --split record:FRACTION, so it has no meaning without that.")


def _progress_on(line: ProgressLine) -> Callable[[int], Callable[[float, int], None]]:
    """Return the function that takes the number of records and returns the callback that counts what is prepared.

    That one takes the share of records done and the rows made since its last call, and shows rate and time left.
    """

    def start(records: int) -> Callable[[float, int], None]:
        began, done, rows = time.monotonic(), 0.0, 0

        def advance(share: float, new_rows: int) -> None:
            nonlocal done, rows
            done, rows = done + share, rows + new_rows
            if done > 0 and line.is_due():
                seconds = max(time.monotonic() - began, 1e-3)
                remaining = seconds * max(records - done, 0) / done
                text = f"{min(done, records):.0f} of {counted(records, 'record')}, {counted(rows, 'row')}"
                line.show(done, records, f"{text}, {rows / seconds:,.0f} rows/s, {remaining:.0f} s left")

        return advance

    return start


def _annotate(scored: Path, wfdb: Path, out: Path, annotator: str, lead: str) -> None:
    from components.recordings.annotate import annotate as annotate_records

    files = annotate_records(scored, wfdb, out, annotator, lead)
    beats, records = counted(sum(files.values()), "beat"), counted(len(files), "record")
    click.echo(f"{beats} of {records} annotated, *.{annotator} in {out}.")


def _show(report: PrepareReport, out: Path, seconds: float) -> None:
    """Print the closing table and the remarks on stdout."""
    from rich.table import Table

    from components.beat import CLASSES
    from pipeline.console import plain_console

    console = plain_console(soft_wrap=True)
    records = counted(len(report.counts_of), "record")
    table = Table(title=f"{records} in {seconds:.1f} s, into {out}", title_justify="left")
    table.add_column("file")
    labelled = report.files[0].classes is not None
    for column in ("rows", *(CLASSES if labelled else ())):
        table.add_column(column, justify="right")
    for file in report.files:
        table.add_row(file.name, f"{file.rows:,}", *(f"{count:,}" for count in file.classes or ()))
    console.print(table)
    for line in count_lines(report):
        console.print(line)
    for sentence in report.sentences:
        console.print(sentence)
    if report.skipped:
        console.print(f"Left out, {counted(len(report.skipped), 'reason')}:")
        for sentence in report.skipped:
            console.print(f"  {sentence}")


def count_lines(report: PrepareReport) -> list[str]:
    """Return lines that account for every annotation that did not become a row."""
    from components.beats.cut import PAUSE_SECONDS

    counts = report.counts
    labelled = report.files[0].classes is not None
    source = counted(counts.annotations, "annotation") if labelled else f"{counted(counts.annotations, 'beat')} found"
    lines = [f"{source}: {counted(counts.rows, 'row')}, {counts.last:,} last of their record (no window)"]
    if counts.outside:
        lines[0] += f", {counts.outside:,} one sample past the end of their record"
    if counts.unknown:
        total = sum(counts.unknown.values())
        named = ", ".join(f"{symbol} {count:,}" for symbol, count in counts.unknown.most_common())
        lines[0] += f", {total:,} with a symbol that starts no beat ({named})"
    for noun, which, kind in (
        ("beat", f" that no other follows within {PAUSE_SECONDS} s", "unfollowed"),
        ("beat", " at one sample with another", "doubled"),
        ("flat window", "", "flat"),
        ("window", " with missing samples", "missing"),
    ):
        if total := len(getattr(counts, kind)):
            lines[0] += f", {counted(total, noun)}{which}"
            lines += [
                f"  {noun}s{which} in record {name}: {_listed(positions)}"
                for name, each in report.counts_of.items()
                if (positions := getattr(each, kind))
            ]
    lines[0] += "."
    return lines


def _listed(positions: tuple[int, ...]) -> str:
    shown = ", ".join(str(position) for position in positions[:NAMED_POSITIONS])
    return f"{len(positions)}, at sample {shown}{' ...' if len(positions) > NAMED_POSITIONS else ''}"
