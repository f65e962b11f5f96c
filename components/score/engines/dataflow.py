"""Dataflow: the options of a job, checked before anything is sent, and what would be sent."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Sequence
from typing import Any, Final

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, _BeamArgumentParser
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
from apache_beam.runners.dataflow.dataflow_runner import DataflowRunner
from apache_beam.runners.dataflow.internal import apiclient
from apache_beam.runners.internal.names import STAGED_PIPELINE_FILENAME
from apitools.base.py import encoding

from components.errors import UsageError
from components.io.lease import Lease
from components.score.beam import score_on
from components.score.engines.runner import option, unless_given
from components.score.model import ModelPlace
from components.score.shard import ShardTask

REQUIRED: Final = {
    "project": "the Google Cloud project that pays",
    "region": "where the workers are, best that of the buckets",
    "temp_location": "gs:// prefix for what Dataflow keeps while the job runs",
    "sdk_container_image": "image with heartbeat and Beam's boot program, see docs/dataflow.md",
}
"""Beam options that a job cannot do without, and what each is."""

REGION: Final = re.compile(r"[a-z]+-[a-z]+[0-9]+")

BUCKET: Final = re.compile(r"gs://[a-z0-9][a-z0-9._-]+[a-z0-9](/.*)?")

THREADS: Final = "1"
"""Of a worker's process: it scores one shard at a time, and there is a process for each core."""

WITHOUT_CLOUD: Final = ("--dry_run=True", "--no_auth")
"""Options with which Beam's own checks, and the building of the graph, ask nothing of Google."""

ENVIRONMENT_VERSION: Final = "8"
"""Of the interface between Dataflow and its workers that Beam 2.62 speaks."""


def dataflow_options(given: Sequence[str], workers: int | None) -> list[str]:
    """All Beam options of a job on Dataflow.

    Args:
        given: options of the user.
        workers: most machines; None leaves it to Dataflow.

    Raises:
        UsageError: one is missing, malformed or not known.
    """
    missing = [f"--{name} ({what})" for name, what in REQUIRED.items() if not option(given, name)]
    if missing:
        raise UsageError(f"--on dataflow needs, after `--`: {', '.join(missing)}.")
    defaults = {"number_of_worker_harness_threads": THREADS, "job_name": f"heartbeat-score-{uuid.uuid4().hex[:8]}"}
    if workers is not None:
        defaults["max_num_workers"] = str(workers)
    added = unless_given(defaults, given)
    options = ["--runner=DataflowRunner", *added, *given]
    faults = [*_unknown(options), *_malformed(options)]
    if faults:
        raise UsageError([f"Options for Dataflow: {fault}" for fault in faults])
    return options


def _unknown(options: Sequence[str]) -> list[str]:
    """A misspelt option changes nothing and costs money."""
    parser = _BeamArgumentParser()
    for each in {str(kind): kind for kind in PipelineOptions.__subclasses__()}.values():
        each._add_argparse_args(parser)
    return [f"{word} is not one that Beam knows." for word in parser.parse_known_args(list(options))[1]]


def _malformed(options: Sequence[str]) -> list[str]:
    faults = []
    region, *places = (option(options, name) or "" for name in ("region", "temp_location", "staging_location"))
    if not REGION.fullmatch(region):
        faults.append(f"--region={region} is no region, such as europe-west4.")
    faults += [f"{place} is no gs:// bucket or prefix." for place in places if place and not BUCKET.fullmatch(place)]
    if faults:
        return faults  # Beam would make a bucket of its own in the place of a wrong one
    validator = PipelineOptionsValidator(PipelineOptions([*options, *WITHOUT_CLOUD]), DataflowRunner())
    return [str(error) for error in validator.validate()]


def dataflow_request(tasks: Sequence[ShardTask], place: ModelPlace, options: Sequence[str]) -> dict[str, Any]:
    """What would be sent to Dataflow for a job, built without it.

    Args:
        tasks: the shards.
        place: the model.
        options: as `dataflow_options` gives them.

    Returns:
        The request as Dataflow's interface has it, the steps by name, and the bytes of the graph.
    """
    pipeline = beam.Pipeline(DataflowRunner(), PipelineOptions([*options, *WITHOUT_CLOUD]))
    score_on(pipeline, tasks, place, Lease(tasks[0].output, "lock/dry-run.json"))
    job = pipeline.run().job
    graph = f"{job.google_cloud_options.staging_location}/{STAGED_PIPELINE_FILENAME}"
    job.proto.environment = apiclient.Environment(
        packages=[],
        options=job.options,
        environment_version=ENVIRONMENT_VERSION,
        proto_pipeline_staged_url=graph,
        proto_pipeline=job.proto_pipeline,
    ).proto
    sent = json.loads(encoding.MessageToJson(job.proto))
    del sent["environment"]["sdkPipelineOptions"]  # all that Beam knows of; what was chosen is in the worker pool
    steps = [step.unique_name for step in job.proto_pipeline.components.transforms.values() if not step.subtransforms]
    return {
        "project": job.google_cloud_options.project,
        "region": job.google_cloud_options.region,
        "job": sent,
        "steps": sorted(steps),
        "graph": {"staged_to": graph, "bytes": job.proto_pipeline.ByteSize(), "shards": len(tasks)},
    }
