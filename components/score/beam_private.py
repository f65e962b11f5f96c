"""Every private Beam API that scoring uses; tests/score/test_beam_private.py checks that each still exists.

Beam is imported where it is needed: workers call this module before they leave packages out.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

WORKER_THREAD: Final = "run_worker"
"""Name of the local runner's threads that each wait for a worker process."""

MESSAGE_THREAD: Final = "wait_until_finish_read"
"""Name of Beam's thread that reads the messages of a job server; it is not needed to notice that the server is gone."""

JOB_THREAD: Final = "_run_job"
"""Function, and part of the name, of the thread of a job server in this process; the job's result has its error."""

WITHOUT_CLOUD: Final = ("--dry_run=True", "--no_auth")
"""Options with which Beam's checks for Dataflow, and the building of the graph, send no request to Google."""


NEVER_CALLED: Final = (
    "IPython",  # apache_beam, to detect notebooks
    "google.cloud.bigquery",  # apache_beam.io
    "google.cloud.bigquery_storage_v1",  # apache_beam.io
    "google.cloud.pubsub",  # apache_beam.io
    "pymongo",  # apache_beam.io
    "keras",  # tensorflow, to load Keras models; imports scikit-learn and SciPy
)
"""Optional packages of Beam and TensorFlow that scoring never calls."""


def leave_out_unused() -> None:
    """Make importing `NEVER_CALLED` fail in this process from now on; what is already imported stays.

    Only for the entry point of a process that only scores, never for a notebook, a test or a pipeline's
    process: Beam's sources and sinks on BigQuery, Pub/Sub and MongoDB, and `tf.keras`, do not work afterwards. `None`
    in `sys.modules` is Python's own way to say that there is no such module.
    """
    for name in NEVER_CALLED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    logging.getLogger("apache_beam.io.mongodbio").setLevel(logging.ERROR)  # it warns that pymongo is missing


FOR_CLOUDS: Final = {
    "apache_beam.io.gcp.bigquery",
    "apitools",
    "boto3",
    "google.api_core",
    "google.auth",
    "google.cloud.storage",
    "hdfs",
    "pandas",
}
"""Optional imports of Beam's own stores and tables; our stores and wfdb may still import them later."""


class _WithoutClouds:
    """Hide the packages for clouds, as the first entry of `sys.meta_path`, unless already imported.

    `None` in `sys.modules` does not work: the new lane's pyarrow, compiled by Cython, takes it for pandas itself.
    """

    @staticmethod
    def find_spec(name: str, *_: Any) -> None:
        """Refuse to find a module.

        Raises:
            ModuleNotFoundError: it is one of `FOR_CLOUDS`.
        """
        if name in FOR_CLOUDS:
            raise ModuleNotFoundError(f"{name} is left out", name=name)


def import_beam() -> None:
    """Import Beam as if `FOR_CLOUDS` were not there, in a third of the time; for its local runner, and for workers.

    Only for a process that only scores: Beam's own S3, Google Cloud Storage, BigQuery and data frames are
    missing in it afterwards, and submitting to Dataflow needs them. If Beam is already imported, nothing changes.
    """
    if "apache_beam" in sys.modules:
        return
    sys.meta_path.insert(0, _WithoutClouds)
    try:
        import apache_beam.runners.portability.fn_api_runner
        import apache_beam.runners.worker.sdk_worker_main  # noqa: F401
        import pyarrow

        pyarrow.array([""])  # pyarrow looks for pandas here; in the new lane only once
    finally:
        sys.meta_path.remove(_WithoutClouds)


def local_runner(worker_command: str | None) -> Any:
    """Return Beam's local runner, by its class: a bare DirectRunner may try to download another one.

    `worker_command` is the shell command that starts a worker process; None scores in this process.
    """
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner
    from apache_beam.transforms.environments import SubprocessSDKEnvironment

    if worker_command is None:
        return FnApiRunner()
    return FnApiRunner(SubprocessSDKEnvironment.from_command_string(worker_command))


def run_worker() -> None:
    """Run Beam's worker in this process until the runner stops it; its environment names where work comes from."""
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main(sys.argv[:1])


@contextmanager
def lost_workers() -> Iterator[list[str]]:
    """Yield a list that gets a sentence for each local worker that dies; Beam's local runner would wait forever.

    Beam raises that error in its own thread, so `threading.excepthook` is replaced meanwhile.
    """
    lost: list[str] = []
    previous = threading.excepthook

    def notice(error: threading.ExceptHookArgs) -> None:
        name = None if error.thread is None else error.thread.name
        if name == WORKER_THREAD:
            lost.append(f"A worker process died: {error.exc_value}.")
        elif name != MESSAGE_THREAD and JOB_THREAD not in (name or ""):
            previous(error)

    threading.excepthook = notice
    try:
        yield lost
    finally:
        threading.excepthook = previous


def await_workers(seconds: float) -> None:
    """Wait, at most this long, until local workers are gone; after a completed job they are."""
    for thread in threading.enumerate():
        if thread.name == WORKER_THREAD:
            thread.join(seconds)


def worker_environment(
    worker_id: str, provision_endpoint: str, endpoints: Mapping[str, str], persist_dir: str, seconds: float
) -> dict[str, str]:
    """Return the environment variables that Beam's worker reads, as returned by the engine's provision service.

    Args:
        worker_id: name of the worker at the engine.
        provision_endpoint: `HOST:PORT` of the service.
        endpoints: `control` and `logging` -> `HOST:PORT`, for those that the service does not name.
        persist_dir: folder for Beam's own files.
        seconds: timeout of the service.
    """
    import grpc
    from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc
    from google.protobuf import json_format

    with grpc.insecure_channel(provision_endpoint) as channel:
        service = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
        request = beam_provision_api_pb2.GetProvisionInfoRequest()
        info = service.GetProvisionInfo(request, metadata=[("worker_id", worker_id)], timeout=seconds).info
    urls = {
        "CONTROL": info.control_endpoint.url or endpoints["control"],
        "LOGGING": info.logging_endpoint.url or endpoints["logging"],
        "STATUS": info.status_endpoint.url,
    }
    return {
        "WORKER_ID": worker_id,
        "SEMI_PERSISTENT_DIRECTORY": persist_dir,
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
        **{f"{name}_API_SERVICE_DESCRIPTOR": f'url: "{url}"' for name, url in urls.items() if url},
    }


def unknown_options(options: Sequence[str]) -> list[str]:
    """Return the options that Beam does not know and would ignore."""
    from apache_beam.options.pipeline_options import PipelineOptions, _BeamArgumentParser

    parser = _BeamArgumentParser()
    for kind in {str(each): each for each in PipelineOptions.__subclasses__()}.values():
        kind._add_argparse_args(parser)
    return parser.parse_known_args(list(options))[1]


def dataflow_faults(options: Sequence[str]) -> list[str]:
    """Return what Beam's own check finds wrong with the options of a job on Dataflow."""
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
    from apache_beam.runners.dataflow.dataflow_runner import DataflowRunner

    validator = PipelineOptionsValidator(PipelineOptions([*options, *WITHOUT_CLOUD]), DataflowRunner())
    return [str(error) for error in validator.validate()]


def dataflow_request(build: Callable[[Any], None], options: Sequence[str]) -> dict[str, Any]:
    """Return what would be sent to Dataflow for the pipeline that `build` makes: request, steps and graph size."""
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.runners.dataflow.dataflow_runner import DataflowRunner
    from apache_beam.runners.dataflow.internal import apiclient
    from apache_beam.runners.internal.names import STAGED_PIPELINE_FILENAME

    pipeline = beam.Pipeline(DataflowRunner(), PipelineOptions([*options, *WITHOUT_CLOUD]))
    build(pipeline)
    job = pipeline.run().job
    graph = f"{job.google_cloud_options.staging_location}/{STAGED_PIPELINE_FILENAME}"
    job.proto.environment = apiclient.Environment(
        packages=[],
        options=job.options,
        environment_version=apiclient._FNAPI_ENVIRONMENT_MAJOR_VERSION,
        proto_pipeline_staged_url=graph,
        proto_pipeline=job.proto_pipeline,
    ).proto
    sent = json.loads(job.json())
    del sent["environment"]["sdkPipelineOptions"]  # all that Beam knows; the chosen one is in the worker pool
    steps = [step.unique_name for step in job.proto_pipeline.components.transforms.values() if not step.subtransforms]
    return {
        "project": job.google_cloud_options.project,
        "region": job.google_cloud_options.region,
        "job": sent,
        "steps": sorted(steps),
        "graph": {"staged_to": graph, "bytes": job.proto_pipeline.ByteSize()},
    }
