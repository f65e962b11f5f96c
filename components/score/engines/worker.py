"""A worker on a cluster: what Beam calls in a PROCESS environment, or as the entry point of an image.

Usage: heartbeat-worker --id=ID --provision_endpoint=HOST:PORT (the engine gives these and others)

It asks the engine where control and logging are and ends soon after the process that started it: an engine's worker
that is killed leaves nobody behind.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Final

from components.score.lean import leave_out_unused
from components.score.watch import ORPHANED, POLL_SECONDS

PROVISION_SECONDS: Final = 60.0
"""How long the engine may take to answer; a worker that it does not hear of is started again by it."""

CONTROL: Final = "CONTROL_API_SERVICE_DESCRIPTOR"
LOGGING: Final = "LOGGING_API_SERVICE_DESCRIPTOR"
STATUS: Final = "STATUS_API_SERVICE_DESCRIPTOR"


def main(argv: Sequence[str] | None = None) -> None:
    """Run a worker until the engine, or the engine's end, stops it."""
    given = _arguments(argv)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True, name="watch-parent").start()
    leave_out_unused()
    os.environ.update(_environment(given))
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main(sys.argv[:1])


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="heartbeat-worker", description="A Beam worker that scores beats.")
    parser.add_argument("--id", required=True, help="the worker's name at the engine")
    parser.add_argument("--provision_endpoint", required=True, help="where the engine tells all else")
    parser.add_argument("--control_endpoint", default="", help="where work comes from, if the engine tells it here")
    parser.add_argument("--logging_endpoint", default="", help="where log lines go, likewise")
    parser.add_argument("--semi_persist_dir", default="/tmp", help="a folder for what Beam keeps")
    return parser.parse_known_args(argv)[0]


def _environment(given: argparse.Namespace) -> Mapping[str, str]:
    """What Beam's worker reads from its environment, as the engine tells it."""
    import grpc
    from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc
    from google.protobuf import json_format

    with grpc.insecure_channel(given.provision_endpoint) as channel:
        service = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
        request = beam_provision_api_pb2.GetProvisionInfoRequest()
        info = service.GetProvisionInfo(
            request, metadata=[("worker_id", given.id)], timeout=PROVISION_SECONDS, wait_for_ready=True
        ).info
    told = {
        CONTROL: info.control_endpoint.url or given.control_endpoint,
        LOGGING: info.logging_endpoint.url or given.logging_endpoint,
        STATUS: info.status_endpoint.url,
    }
    return {
        "WORKER_ID": given.id,
        "SEMI_PERSISTENT_DIRECTORY": given.semi_persist_dir,
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
        **{name: f'url: "{url}"' for name, url in told.items() if url},
    }


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os._exit(ORPHANED)


if __name__ == "__main__":
    main()
