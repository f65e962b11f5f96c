"""`python kubeflow_runner.py`: flags -> settings -> graph -> compile, optionally submit -> exit code."""

from __future__ import annotations

from pathlib import Path

import click

from components.errors import counted
from pipeline.commands.flags import PLACE, Place, given
from pipeline.profiles import PROFILES


@click.command(context_settings={"show_default": True, "max_content_width": 110})
@click.option(
    "--image", required=True, help="Name of the image that every step runs in, with a tag that was never used before."
)
@click.option(
    "--data",
    metavar="DIR|URI",
    type=PLACE,
    required=True,
    help="Where the steps find mitbih_train.csv and mitbih_test.csv (.gz too), or train.parquet and test.parquet: "
    "s3://, gs:// or a folder in the pod.",
)
@click.option(
    "--pipeline-root",
    metavar="URI",
    type=PLACE,
    required=True,
    help="Where Kubeflow keeps artifacts: minio://, s3:// or gs://.",
)
@click.option(
    "--serving", metavar="DIR|URI", type=PLACE, help="Where models are pushed to. Default: PIPELINE_ROOT/serving."
)
@click.option("--profile", type=click.Choice(list(PROFILES)), default="full", help="Stages and settings to run with.")
@click.option(
    "--set",
    "overrides",
    metavar="GROUP.NAME=VALUE",
    multiple=True,
    help="Change a setting of the profile, for example cluster.trainer.cpu=8; may be repeated (docs/settings.md).",
)
@click.option(
    "--output",
    type=Place(dir_okay=False, path_type=Path),
    default="heartbeat.yaml",
    help="File that the compiled pipeline is written to.",
)
@click.option("--submit", "submitted", is_flag=True, help="List the data, and start a run on --host.")
@click.option(
    "--host",
    metavar="URL",
    help="URL of Kubeflow Pipelines' API, needed by --submit; a token is taken from KFP_TOKEN. Default: none.",
)
@click.option("--namespace", help="Namespace of the run. Default: none, for a single-user Kubeflow.")
@click.option("--experiment", default="heartbeat", help="Experiment that the run belongs to.")
@click.option(
    "--wait",
    "waited",
    is_flag=True,
    help="With --submit: wait for the end of the run, and print each stage's state as it changes.",
)
def kubeflow(
    image: str,
    data: str,
    pipeline_root: str,
    serving: str | None,
    profile: str,
    overrides: tuple[str, ...],
    output: Path,
    submitted: bool,
    host: str | None,
    namespace: str | None,
    experiment: str,
    waited: bool,
) -> int:
    """Compile the pipeline for Kubeflow Pipelines v2, and with --submit start it there.

    Without --submit only the settings are checked; a step that reads CSVs is then never taken from the cache.
    Exit codes: 0 done, 1 unexpected, 2 usage, 3 data refused, 4 model refused, 6 host, namespace, token or bucket.
    """
    from components.errors import UsageError
    from components.io.storage import write_whole
    from pipeline.kubeflow.uris import check_root, check_uri, default_serving
    from pipeline.settings import settings_from

    settings = settings_from(profile, overrides)
    check_root(pipeline_root)
    check_uri("--data", data)
    check_uri("--serving", serving or "")
    if submitted and not host:
        raise UsageError("--submit needs --host, the URL of Kubeflow Pipelines' API.")
    if not submitted and (alone := given(["--host", "--namespace", "--experiment", "--wait"])):
        raise UsageError(f"{', '.join(alone)}: only a run that --submit starts has these. Give --submit, too.")

    from pipeline.kubeflow.submit import Server, data_fingerprint
    from pipeline.screen import output_captured

    server = Server(host, namespace, experiment) if host and submitted else None
    if server:
        server.check()
    listed = data_fingerprint(data) if submitted else None
    with output_captured(Path("/dev/null")):
        from pipeline.kubeflow.spec import NOT_LISTED, Target, compile_text

        target = Target(
            image=image,
            data=data,
            pipeline_root=pipeline_root,
            serving=serving or default_serving(pipeline_root),
            fingerprint=listed or NOT_LISTED,
        )
        text = compile_text(settings, target)
    output.parent.mkdir(parents=True, exist_ok=True)
    write_whole(output, text)
    click.echo(f"Compiled {counted(len(settings.stages), 'stage')} of profile {profile} into {output}.", err=True)
    if server:
        run = server.start(output, image, pipeline_root)
        click.echo(run.url)
        if waited:
            run.wait(lambda line: click.echo(line, err=True))
    return 0
