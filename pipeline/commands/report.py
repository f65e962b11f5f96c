"""`heartbeat report`: write the report of a run or of a scoring job again."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from components.errors import UsageError
from pipeline.commands.flags import PLACE


@click.command
@click.argument("folder", metavar="RUN|SCORING_DIR", type=PLACE)
@click.option(
    "--record",
    "records",
    metavar="NAME",
    multiple=True,
    help="Write the report of this recording of a scoring job: its name in recordings/, or its header or EDF file. "
    "May be repeated.",
)
def report(folder: str, records: tuple[str, ...]) -> None:
    """Write the report of a run or of a scoring job again, and print where it is.

    RUN is ROOT/runs/<run id>; SCORING_DIR is a directory or URI that `heartbeat score` filled. The report is
    report/index.html in it: one file without scripts that opens from disk. Reports of recordings are in
    report/recordings/, and report/index.html links to them.
    """
    tell = partial(click.echo, err=True)
    if records:
        from components.report.pages import write_recording_reports

        for page in write_recording_reports(folder, records, tell):
            click.echo(page)
    elif "://" in folder or Path(folder, "job.json").exists():
        from components.report.pages import write_scoring_report

        click.echo(write_scoring_report(folder, tell))
    elif Path(folder, "summary.json").exists():
        from components.report.pages import write_run_report

        click.echo(write_run_report(Path(folder).absolute()))
    else:
        raise UsageError(
            f"{folder} is neither the folder of a run (ROOT/runs/<run id>, which holds summary.json) nor a scoring "
            "directory (which holds job.json)."
        )
