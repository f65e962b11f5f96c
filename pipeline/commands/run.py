"""`python local_runner.py`: flags -> settings -> graph -> run -> summary -> exit code."""

from __future__ import annotations

from pathlib import Path

import click

from components.errors import counted
from pipeline.commands.flags import DEFAULT_ROOT, PLACE, Place, refuse_json_of_nothing, with_beam_options
from pipeline.profiles import PROFILES


@click.command(context_settings={"show_default": True, "max_content_width": 110})
@click.option(
    "--data",
    metavar="DIR|URI",
    type=PLACE,
    help="Folder of mitbih_train.csv and mitbih_test.csv (.gz too), or of train.parquet and test.parquet. Default: "
    "data/ if it has them, else a newly generated synthetic demo set.",
)
@click.option("--profile", type=click.Choice(list(PROFILES)), default="demo", help="Stages and settings to run with.")
@click.option(
    "--root",
    type=Place(file_okay=False, path_type=Path),
    default=DEFAULT_ROOT,
    help="Local folder of runs, metadata and artifacts.",
)
@click.option("--serving", metavar="DIR|URI", type=PLACE, help="Where models are pushed to. Default: ROOT/serving.")
@click.option(
    "--set",
    "overrides",
    metavar="GROUP.NAME=VALUE",
    multiple=True,
    help="Change a setting of the profile, for example train.epochs=12; may be repeated (docs/settings.md).",
)
@click.option("--dry-run", is_flag=True, help="Print the effective settings and paths; run nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the run's summary.json on stdout instead of the table.")
@with_beam_options
def run(
    data: str | None,
    profile: str,
    root: Path,
    serving: str | None,
    overrides: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    beam_options: tuple[str, ...],
) -> int:
    """Train, evaluate and push a heartbeat classifier on this machine.

    Reads Kaggle-format CSVs, runs every stage of the profile or takes it from the cache, and ends with one table.
    Exit codes: 0 done, 1 unexpected, 2 usage, 3 data refused, 4 model refused, 6 environment, 130/143 interrupted.
    """
    from components.ingest.locate import find_inputs
    from components.score.engines.engine import check_not_ignored
    from pipeline.run import run_pipeline
    from pipeline.runfolder import DEMO_FOLDER, Locations, data_location
    from pipeline.screen import shown
    from pipeline.settings import settings_from

    refuse_json_of_nothing(dry_run, as_json)
    check_not_ignored(beam_options)
    settings = settings_from(profile, overrides, local=True)
    root = root.absolute()
    locations = Locations(data_location(root, data), root, serving or str(root / "serving"))
    if dry_run:
        if locations.data != str(root / DEMO_FOLDER):
            find_inputs(locations.data)
        click.echo(settings.model_dump_json(indent=1))
        click.echo(
            f"Would run {counted(len(settings.stages), 'stage')} on {shown(locations.data)} in {shown(root)}.", err=True
        )
        return 0
    return run_pipeline(settings, locations, beam_options, as_json)
