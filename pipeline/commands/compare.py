"""`heartbeat compare`: two annotators of the same records, beat by beat, by ANSI/AAMI EC57."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from components.errors import DataRefused, EnvironmentRefused, UsageError, counted
from pipeline.commands.flags import Place, given
from pipeline.console import ProgressLine, print_table

if TYPE_CHECKING:
    from components.evaluate.compare import Skipped
    from components.evaluate.ec57 import Comparison

SHOWN_RECORDS = 100
"""With more records than this, the table has only their sums; --csv has each."""

SHOWN_SKIPPED = 10
"""Records that are named as not compared."""

FIRST_COLUMNS = b"record,Nn,"
"""Start of a table of counts."""

BEATS = ("QRS Se", "QRS +P", "V Se", "V +P", "V FPR", "S Se", "S +P", "S FPR", "RR error")
RUNS = tuple(f"{kind} {side}" for kind in ("couplet", "short run", "long run") for side in ("Se", "+P"))


@click.command
@click.argument("reference", type=Place(exists=True, path_type=Path))
@click.argument("test", type=Place(exists=True, path_type=Path))
@click.option(
    "--reference-annotator",
    metavar="EXT",
    default="atr",
    show_default=True,
    help="Extension of REFERENCE's files.",
)
@click.option("--test-annotator", metavar="EXT", help="Extension of the files in TEST  [default: the only one there]")
@click.option(
    "--map",
    "symbol_map",
    metavar="kaggle|ec57|SYMBOL=CLASS,...",
    help="Class of each annotation symbol, as for `heartbeat prepare`; ec57 counts as WFDB's bxb does.  "
    "[default: kaggle]",
)
@click.option(
    "--from",
    "from_seconds",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=300.0,
    show_default=True,
    help="Number of seconds at the start of each record that are not scored.",
)
@click.option(
    "--csv",
    "csv_file",
    metavar="FILE",
    type=Place(path_type=Path),
    help="Write the counts of each record to FILE. Default: no file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout instead of tables.")
def compare(
    reference: Path,
    test: Path,
    reference_annotator: str,
    test_annotator: str | None,
    symbol_map: str | None,
    from_seconds: float,
    csv_file: Path | None,
    as_json: bool,
) -> int:
    """Compare the annotations TEST with the annotations REFERENCE, beat by beat and run by run.

    Both are WFDB annotation files, such as 100.atr, or folders of them; a record's header is looked up beside either.
    The comparison follows ANSI/AAMI EC57, with its window of 150 ms.
    """
    from components.beats.symbols import describe_map, parse_map
    from components.evaluate import compare as comparison

    labels = parse_map(symbol_map)
    if not math.isfinite(from_seconds):
        raise UsageError(f"--from takes a number of seconds, not {from_seconds}.")
    if csv_file is not None:
        _check_replaceable(csv_file)
    if reference.is_file() and (named := given(["--reference-annotator", "--test-annotator"])):
        raise UsageError(f"{', '.join(named)}: of use for folders only, and {reference} is a file. Leave it out.")
    jobs, one_sided = comparison.find_jobs(reference, test, reference_annotator, test_annotator)
    if reference.is_file() and reference.stem != test.stem:
        click.echo(f"{reference.name} and {test.name} have different names: are they of one record?", err=True)
    records: dict[str, Comparison] = {}
    skipped: list[Skipped] = []
    without_beats: list[Path] = []
    doubled: list[tuple[Path, int]] = []
    with ProgressLine("records") as line:
        outcomes = zip(jobs, comparison.compare_all(jobs, labels, from_seconds), strict=True)
        for done, (job, outcome) in enumerate(outcomes, 1):
            if isinstance(outcome, comparison.Skipped):
                skipped.append(outcome)
            else:
                records[job.name] = outcome
                files = job.reference, job.test
                without_beats += [path for path, beats in zip(files, outcome.beats, strict=True) if not beats]
                doubled += [(path, count) for path, count in zip(files, outcome.doubled, strict=True) if count]
            if line.is_due():
                line.show(done, len(jobs), f"{done:,} of {counted(len(jobs), 'record')}")
    skipped += one_sided
    if not records:
        raise DataRefused(_sentences(skipped))
    if csv_file is not None:
        _write_csv(csv_file, records)
    if as_json:
        result = {"from_seconds": from_seconds, "map": labels, **comparison.as_dict(records, skipped)}
        click.echo(json.dumps(result, indent=1))
    else:
        _show(records)
        click.echo(f"Scored from second {from_seconds:g} of each record; classes of symbols: {describe_map(labels)}.")
    for path in without_beats[:SHOWN_SKIPPED]:
        click.echo(
            f"{path} marks no beat from second {from_seconds:g} on: every beat of the other is counted.", err=True
        )
    for path, count in doubled[:SHOWN_SKIPPED]:
        click.echo(
            f"{path} has {counted(count, 'beat')} at the same sample as another: each counts, as in WFDB's bxb, and is "
            "missed or extra where it has no pair of its own. Were they annotated twice?",
            err=True,
        )
    if len(doubled) > SHOWN_SKIPPED:
        click.echo(f"The same is true of {counted(len(doubled) - SHOWN_SKIPPED, 'more file')}.", err=True)
    for sentence in _sentences(skipped):
        click.echo(f"Not compared: {sentence}", err=True)
    return 0


def _sentences(skipped: Sequence[Skipped]) -> list[str]:
    sentences = [f"record {each.name}: {each.reason}." for each in skipped[:SHOWN_SKIPPED]]
    if len(skipped) > SHOWN_SKIPPED:
        sentences.append(f"{counted(len(skipped) - SHOWN_SKIPPED, 'more record')}.")
    return sentences


def _check_replaceable(path: Path) -> None:
    """Refuse to replace a file that is not a table of counts, such as an annotation file."""
    if not path.exists():
        return
    beginning = b""
    if path.is_file():
        with path.open("rb") as file:
            beginning = file.read(len(FIRST_COLUMNS))
    if beginning != FIRST_COLUMNS:
        raise UsageError(f"{path} is there and is no table of counts: choose another name for --csv.")


def _write_csv(path: Path, records: Mapping[str, Comparison]) -> None:
    from components.evaluate.ec57 import LETTERS, O

    pairs = [(row, column) for row in range(len(LETTERS)) for column in range(len(LETTERS)) if min(row, column) < O]
    cells = [f"{LETTERS[row]}{LETTERS[column].lower()}" for row, column in pairs]
    ratios = [f"{name} {part}" for name in next(iter(records.values())).ratios() for part in ("hits", "of")]
    try:
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["record", *cells, *ratios, "RR error ms"])
            for name, record in records.items():
                counts = [number for ratio in record.ratios().values() for number in ratio]
                rr = "" if record.rr_rms_ms is None else f"{record.rr_rms_ms:.3f}"
                writer.writerow([name, *(int(record.matrix[pair]) for pair in pairs), *counts, rr])
    except OSError as error:
        raise EnvironmentRefused(f"{path} cannot be written: {error.strerror}.") from error


def _show(records: Mapping[str, Comparison]) -> None:
    from components.evaluate.compare import add_up, average, shares
    from components.evaluate.ec57 import LETTERS

    total = add_up(records.values())
    letters = [
        [row, *(f"{count:,}" for count in counts)] for row, counts in zip(LETTERS, total.matrix.tolist(), strict=True)
    ]
    for row in letters[-2:]:
        row[-2:] = ["", ""]
    click.echo(f"Beats of {counted(len(records), 'record')}, reference by test")
    print_table(["", *map(str.lower, LETTERS)], letters)
    each = {name: shares(record) for name, record in records.items()}
    ends = {"Gross": shares(total), "Average": average(list(each.values()))}
    click.echo("Beat by beat, %")
    lines = {**each, **ends} if len(each) <= SHOWN_RECORDS else ends
    print_table(["", *BEATS[:-1], "RR error, ms"], _rows(lines, BEATS))
    runs = {
        f"{name}, {kind.lower()}": {column: values[f"{name} {column}"] for column in RUNS}
        for kind, values in ends.items()
        for name in "VS"
    }
    click.echo("Run by run, %")
    print_table(["", *RUNS], _rows(runs, RUNS))


def _rows(lines: Mapping[str, Mapping[str, float | None]], columns: Sequence[str]) -> list[list[str]]:
    return [[name, *(_number(values[column], column) for column in columns)] for name, values in lines.items()]


def _number(value: float | None, column: str) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if column == "RR error" else f"{100 * value:.3f}" if "FPR" in column else f"{100 * value:.2f}"
