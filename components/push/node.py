"""TFX node of this stage: puts the sidecars beside the model and pushes both as one version."""

import os
import tempfile
from pathlib import Path

import absl.logging
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import io_utils, path_utils

from components.evaluate.node import Judgement, ModelVerdict
from components.evaluate.settings import EvaluateSettings
from components.ingest.node import IngestReport
from components.ingest.report import read_ingest_report
from components.io import artifact_files as names
from components.io.artifact_files import read_json, write_json
from components.io.examples import example_files, read_columns, read_split
from components.io.serving import ServingDirectory, model_digest
from components.push.histogram import count_samples
from components.push.precision import stage_precisions
from components.push.sidecars import Sidecars, stage_version
from components.verdict import read_verdict


@component
def Pusher(  # noqa: N802 - the function's name is the node's id
    model: InputArtifact[standard_artifacts.Model],
    verdict: InputArtifact[ModelVerdict],
    judgement: InputArtifact[Judgement],
    statistics: InputArtifact[standard_artifacts.ExampleStatistics],
    report: InputArtifact[IngestReport],
    examples: InputArtifact[standard_artifacts.Examples],
    pushed_model: OutputArtifact[standard_artifacts.PushedModel],
    serving: Parameter[str],
    settings: Parameter[str],
    code_digest: Parameter[str],
) -> None:
    """Push a model that the gate approved, as the newest version in the serving directory, unless it serves already.

    Raises:
        EnvironmentRefused: the serving directory cannot be written.
    """
    directory = ServingDirectory(serving)
    with tempfile.TemporaryDirectory(prefix="heartbeat-push-") as scratch:
        folder = Path(scratch)
        io_utils.copy_dir(path_utils.serving_model_path(model.uri), str(folder / "model"))
        digest = model_digest(folder / "model")
        version = directory.serving_version_of(digest)
        is_new = version is None
        if version is None:
            ingested = read_ingest_report(report.uri)
            train = example_files(artifact_utils.get_split_uri([examples], "train"))
            statistics_file = os.path.join(artifact_utils.get_split_uri([statistics], "train"), names.SPLIT_STATISTICS)
            io_utils.copy_file(statistics_file, str(folder / "stats.pb"))
            judged = read_json(judgement.uri, names.JUDGEMENT)
            known = Sidecars(
                judgement=judged,
                verdict=read_verdict(read_json(verdict.uri, names.VERDICT)["verdict"]),
                rows=ingested.rows,
                data_digests=ingested.digests,
                settings=settings,
                statistics=folder / "stats.pb",
                counts=count_samples(block["signal"] for block in read_columns(train, ("signal",))),
                precisions=stage_precisions(
                    folder / "model",
                    lambda split: read_split(artifact_utils.get_split_uri([examples], split)),
                    EvaluateSettings.model_validate(judged["settings"]),
                ),
            )
            stage_version(folder / "model", folder / "version", known)
            version = directory.push(folder / "version")
    location = directory.location(version)
    pushed = {"version": version, "location": location, "digest": digest, "new": is_new}
    write_json(pushed_model.uri, names.PUSHED, pushed)
    pushed_model.set_int_custom_property("pushed", 1)
    pushed_model.set_string_custom_property("pushed_destination", location)
    pushed_model.set_string_custom_property("pushed_version", str(version))
    act = "pushed" if is_new else "not pushed again: it serves already"
    absl.logging.info("%s %s, %s (code %s)", digest[:12], act, location, code_digest)
