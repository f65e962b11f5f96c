"""`heartbeat report`: make the page of a run again."""

from __future__ import annotations

import os
from pathlib import Path

import click

from components.beats.errors import UsageError


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="RUN|SCORING_DIR")
def report(folder: Path) -> None:
    """Make the page of a run or of a scoring job again.

    FOLDER is ROOT/runs/<run id>, whose page is report/index.html, or a directory that `heartbeat score` filled.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's chatter is for the log of a run
    from components.report.run_page import write_report

    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}: name a run, ROOT/runs/<run id>, or a scoring directory.")
    click.echo(write_report(folder.absolute()))
