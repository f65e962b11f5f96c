"""The program that engines start: it asks where work is, imports what scoring needs, and ends with the engine."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc
from google.protobuf import json_format, struct_pb2

from components.io.submitter import ORPHANED
from components.score.beam_private import worker_environment
from components.score.engines.job_server import free_port
from tests.score.engines.test_guard import await_end

OPTIONS = {"beam:option:job_name:v1": "heartbeat-score-1"}


class Provision(beam_provision_api_pb2_grpc.ProvisionServiceServicer):
    def __init__(self):
        self.asked_by = []

    def GetProvisionInfo(self, request, context):
        self.asked_by += [value for name, value in context.invocation_metadata() if name == "worker_id"]
        info = beam_provision_api_pb2.ProvisionInfo(
            pipeline_options=json_format.ParseDict(OPTIONS, struct_pb2.Struct()), runner_capabilities=["a", "b"]
        )
        info.control_endpoint.url = "engine:1"
        return beam_provision_api_pb2.GetProvisionInfoResponse(info=info)


@contextmanager
def provision():
    server = grpc.server(futures.ThreadPoolExecutor(1))
    servicer = Provision()
    beam_provision_api_pb2_grpc.add_ProvisionServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    try:
        yield f"localhost:{port}", servicer
    finally:
        server.stop(None)


def test_the_engine_tells_where_work_is():
    with provision() as (endpoint, servicer):
        environment = worker_environment("7-1", endpoint, {"control": "", "logging": "engine:2"}, "/tmp", 60)
    assert servicer.asked_by == ["7-1"]
    assert json.loads(environment.pop("PIPELINE_OPTIONS")) == OPTIONS
    assert environment == {
        "WORKER_ID": "7-1",
        "SEMI_PERSISTENT_DIRECTORY": "/tmp",
        "RUNNER_CAPABILITIES": "a b",
        "CONTROL_API_SERVICE_DESCRIPTOR": 'url: "engine:1"',
        "LOGGING_API_SERVICE_DESCRIPTOR": 'url: "engine:2"',
    }


def handles(number, what):
    """Whether a process has a handler of a signal."""
    status = Path(f"/proc/{number}/status").read_text()
    return int(re.search(r"SigCgt:\s*(\w+)", status)[1], 16) >> (what - 1) & 1


def await_watching(number):
    """Wait until a worker has set up what ends it."""
    deadline = time.monotonic() + 60
    while not handles(number, signal.SIGTERM):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def silent_engine():
    """Arguments of a worker whose engine listens and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield ["--id=1", f"--provision_endpoint=127.0.0.1:{server.getsockname()[1]}"]


def test_a_worker_ends_soon_after_the_process_that_started_it(silent_engine):
    command = [sys.executable, "-m", "components.score.engines.worker", *silent_engine]
    code = f"import subprocess, time; print(subprocess.Popen({command}).pid, flush=True); time.sleep(600)"
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    number = int(parent.stdout.readline())
    await_watching(number)
    parent.kill()
    parent.communicate()
    await_end([number])


def test_a_worker_that_an_engine_ends_leaves_nothing_in_the_temporary_folder(tmp_path, silent_engine):
    command = [sys.executable, "-m", "components.score.engines.worker", *silent_engine]
    worker = subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ, "TMPDIR": str(tmp_path)})
    await_watching(worker.pid)
    assert len(list(tmp_path.iterdir())) == 1
    worker.terminate()
    assert worker.wait(60) == ORPHANED
    assert list(tmp_path.iterdir()) == []


def test_a_worker_whose_engine_was_gone_before_it_began_does_not_wait_for_it():
    longer_than_a_test = 3600
    endpoints = {"control": "", "logging": ""}
    with pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
        worker_environment("7-1", f"localhost:{free_port()}", endpoints, "/tmp", longer_than_a_test)


@pytest.mark.parametrize(
    ("main", "arguments"),
    [
        ("main_local", """'{"host": "here", "pid": 1, "lease": "none"}'"""),
        ("main", "'--id=1', '--provision_endpoint=localhost:1', '--artifact_endpoint=x:3'"),
    ],
)
def test_workers_begin_without_what_scoring_never_calls(main, arguments):
    code = (
        "import sys; from components.score.engines import worker; "
        "from components.score.beam_private import NEVER_CALLED; "
        "worker.LocalSubmitter.watch = lambda self: None; worker.worker_environment = lambda *_: {}; "
        "left = lambda: [name for name in NEVER_CALLED if sys.modules.get(name, worker) is not None]; "
        "worker.run_worker = lambda: print('left in:', *left()); "
        f"sys.argv = ['worker', {arguments}]; worker.{main}()"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "left in:"


def test_it_imports_what_scoring_needs_and_neither_tfx_nor_the_commands():
    code = (
        "import sys; from components.score.beam_private import leave_out_unused; leave_out_unused(); "
        "import components.score.engines.worker, components.score.beam, apache_beam.runners.worker.sdk_worker_main, "
        "tensorflow; print(*sorted({name.split('.')[0] for name, module in sys.modules.items() if module}))"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    imported = set(done.stdout.split())
    assert {"apache_beam", "tensorflow", "pyarrow"} <= imported, done.stderr
    assert "bson" not in done.stderr
    unwanted = {
        "tfx",
        "tfx_bsl",
        "tensorflow_transform",
        "tensorflow_data_validation",
        "ml_metadata",
        "pipeline",
        "kfp",
        "keras",
        "sklearn",
        "IPython",
    }
    assert not imported & unwanted
