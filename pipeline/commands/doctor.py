"""`heartbeat doctor`: check, before long work, that it can succeed."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from pipeline.commands.flags import DEFAULT_ROOT, PLACE, Place, with_beam_options

PLAIN_WIDTH = 160
"""Columns of a table that goes to a file or a pipe."""


@click.command(context_settings={"max_content_width": 110})
@click.option("--data", metavar="DIR|URI", type=PLACE, help="Data of the run. Default: as for the local runner.")
@click.option(
    "--root",
    type=Place(file_okay=False, path_type=Path),
    default=DEFAULT_ROOT,
    show_default=True,
    help="Local folder of runs.",
)
@click.option("--serving", metavar="DIR|URI", type=PLACE, help="Where models are pushed to. Default: ROOT/serving.")
@click.option(
    "--pipeline-root", metavar="URI", type=PLACE, help="Kubeflow: where artifacts are kept. Default: not checked."
)
@click.option(
    "--host", metavar="URL", help="Kubeflow: URL of its API; a token is taken from KFP_TOKEN. Default: not checked."
)
@click.option("--namespace", help="Kubeflow: namespace of the run. Default: none, for a single-user Kubeflow.")
@click.option("--image", help="Kubeflow: image of the steps. Default: not checked.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout instead of the table.")
@with_beam_options
def doctor(as_json: bool, **options: Any) -> int:
    """Check that a run can succeed: here, or with the Kubeflow flags on a cluster. It changes nothing.

    Exit codes: 0 all is well, 2 usage, 6 a problem was found.
    """
    from components.errors import EnvironmentRefused
    from pipeline.doctor import examine

    checks = list(examine(**options))
    code = EnvironmentRefused.exit_code if any(check.state == "failed" for check in checks) else 0
    if as_json:
        click.echo(json.dumps({"exit_code": code, "checks": [asdict(check) for check in checks]}, indent=1))
        return code
    from rich.table import Table

    from pipeline.console import plain_console

    table = Table("check", "state", "found")
    for check in checks:
        table.add_row(check.name, "FAILED" if check.state == "failed" else check.state, check.said)
    plain_console(PLAIN_WIDTH).print(table)
    return code
