"""`heartbeat doctor`: look, before long work, whether it can be done."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.commands.beam_flags import with_beam_options
from pipeline.places import DEFAULT_ROOT

if TYPE_CHECKING:
    from pipeline.doctor import Check

PLAIN_WIDTH = 160
"""Columns of a table that goes to a file or a pipe."""


@click.command(context_settings={"max_content_width": 110})
@click.option("--data", metavar="DIR|URI", help="Data of the run. Default: as the local runner's.")
@click.option(
    "--root",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_ROOT,
    show_default=True,
    help="Local folder of runs.",
)
@click.option("--serving", metavar="DIR|URI", help="Where models are pushed to. Default: ROOT/serving.")
@click.option("--pipeline-root", metavar="URI", help="Kubeflow: where artifacts are kept. Default: not checked.")
@click.option(
    "--host", metavar="URL", help="Kubeflow: URL of its API; a token is taken from KFP_TOKEN. Default: not checked."
)
@click.option("--namespace", help="Kubeflow: namespace of the run. Default: none, as where Kubeflow has one user.")
@click.option("--image", help="Kubeflow: image of the steps. Default: not checked.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout instead of the table.")
@with_beam_options
def doctor(
    data: str | None,
    root: Path,
    serving: str | None,
    pipeline_root: str | None,
    host: str | None,
    namespace: str | None,
    image: str | None,
    as_json: bool,
    beam_options: tuple[str, ...],
) -> int:
    """Look whether a run can be done: here, or with the Kubeflow flags on a cluster. Nothing is made or changed.

    Exit codes: 0 all is well, 2 usage, 6 something is not.
    """
    from components.errors import EnvironmentRefused

    checks = [
        *_of_this_machine(data, root, beam_options),
        *_of_stores(data, serving, pipeline_root),
        *_of_kubeflow(host, namespace, image),
    ]
    failed = [check for check in checks if check.state == "failed"]
    code = EnvironmentRefused.exit_code if failed else 0
    if as_json:
        click.echo(json.dumps({"exit_code": code, "checks": [asdict(check) for check in checks]}, indent=1))
    else:
        _print(checks)
    return code


def _of_this_machine(data: str | None, root: Path, beam_options: tuple[str, ...]) -> list[Check]:
    from pipeline.doctor import check_data, check_disk, check_lock, check_python, check_root, check_runner, checked
    from pipeline.run import DEMO_FOLDER, place_of_data

    place = place_of_data(root, data)
    return [
        checked("Python", check_python),
        check_lock(),
        checked("disk", lambda: check_disk(root)),
        checked("root", lambda: check_root(root)),
        checked("data", lambda: check_data(place, data is None and place == str(root / DEMO_FOLDER))),
        checked("runner", lambda: check_runner(beam_options)),
    ]


def _of_stores(data: str | None, serving: str | None, pipeline_root: str | None) -> list[Check]:
    from functools import partial

    from components.io.storage import is_remote
    from pipeline.doctor import check_bucket, checked
    from pipeline.kubeflow.places import check_root, default_serving, store_uri

    if pipeline_root:
        check_root(pipeline_root)
        serving = serving or default_serving(pipeline_root)
    places = (("data's bucket", data), ("serving's bucket", serving), ("root's bucket", pipeline_root))
    uris = {name: store_uri(place) for name, place in places if place and is_remote(place)}
    return [checked(name, partial(check_bucket, uri)) for name, uri in uris.items()]


def _of_kubeflow(host: str | None, namespace: str | None, image: str | None) -> list[Check]:
    from components.errors import UsageError
    from pipeline.doctor import check_host, check_image, check_namespace, checked

    if namespace and not host:
        raise UsageError("--namespace needs --host, the URL of the Kubeflow Pipelines API.")
    checks = []
    if host:
        checks.append(checked("host", lambda: check_host(host)))
        if checks[0].state == "ok":
            checks.append(checked("namespace", lambda: check_namespace(host, namespace)))
    if image:
        checks.append(checked("image", lambda: check_image(image)))
    return checks


def _print(checks: list[Check]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, emoji=False, width=PLAIN_WIDTH)
    table = Table("check", "state", "found")
    for check in checks:
        table.add_row(check.name, "FAILED" if check.state == "failed" else check.state, check.said)
    console.print(table)
