"""What scoring uses of Beam without Beam's promise: each name is there, and behaves as scoring expects."""

import inspect
import os
import threading
import time

import apache_beam as beam
from apache_beam.options import pipeline_options
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc
from apache_beam.runners.dataflow.internal import apiclient
from apache_beam.runners.internal.names import STAGED_PIPELINE_FILENAME
from apache_beam.runners.portability import local_job_service, portable_runner
from apache_beam.runners.portability.fn_api_runner import FnApiRunner, worker_handlers
from apache_beam.runners.worker import sdk_worker_main
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from components.score import beam_private
from components.score.beam_private import await_workers, local_runner, lost_workers, unknown_options


def test_the_local_runner_runs_a_pipeline_in_this_process(tmp_path):
    def tell(number):
        (tmp_path / str(number)).write_text(str(os.getpid()))

    with beam.Pipeline(local_runner(None)) as pipeline:
        _ = pipeline | beam.Create([1, 2]) | beam.Map(tell)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == dict.fromkeys("12", str(os.getpid()))


def test_the_local_runner_starts_workers_by_a_command():
    runner = local_runner("exec heartbeat")
    assert isinstance(runner, FnApiRunner)
    assert isinstance(runner._default_environment, SubprocessSDKEnvironment)
    assert runner._default_environment.command_string == "exec heartbeat"


def test_beam_names_its_threads_as_they_are_recognised():
    start = inspect.getsource(worker_handlers.SubprocessSdkWorkerHandler.start_worker)
    assert f"name='{beam_private.WORKER_THREAD}'" in start
    wait = inspect.getsource(portable_runner.PipelineResult.wait_until_finish)
    assert f"name='{beam_private.MESSAGE_THREAD}'" in wait
    assert f"threading.Thread(target=self.{beam_private.JOB_THREAD})" in inspect.getsource(
        local_job_service.BeamJob.run
    )


def fail_in_thread(name):
    thread = threading.Thread(name=name, target=lambda: 1 / 0)
    thread.start()
    thread.join()


def test_a_lost_worker_is_told_and_other_threads_errors_go_where_they_went(monkeypatch):
    others = []
    monkeypatch.setattr(threading, "excepthook", lambda error: others.append(error.thread.name))
    with lost_workers() as lost:
        for name in (beam_private.WORKER_THREAD, beam_private.MESSAGE_THREAD, "Thread-1 (_run_job)", "another"):
            fail_in_thread(name)
    fail_in_thread(beam_private.WORKER_THREAD)
    assert lost == ["A worker process died: division by zero."]
    assert others == ["another", beam_private.WORKER_THREAD]


def test_local_workers_are_awaited_but_not_for_ever():
    end = threading.Event()
    worker = threading.Thread(name=beam_private.WORKER_THREAD, target=end.wait, daemon=True)
    worker.start()
    began = time.monotonic()
    await_workers(0.2)
    assert time.monotonic() - began > 0.1
    assert worker.is_alive()
    end.set()
    await_workers(30)
    assert not worker.is_alive()


def test_options_that_beam_does_not_know_are_found():
    assert unknown_options(["--runner=X", "--direct_num_workers=2", "--region=mars", "--regiom=mars"]) == [
        "--regiom=mars"
    ]


def test_names_that_are_used_elsewhere_in_the_module_are_there():
    assert callable(sdk_worker_main.main)
    assert callable(PipelineOptionsValidator.validate)
    assert callable(pipeline_options.PipelineOptions._add_argparse_args)
    assert callable(apiclient.Environment)
    assert STAGED_PIPELINE_FILENAME
    assert beam_provision_api_pb2.GetProvisionInfoRequest()
    assert beam_provision_api_pb2_grpc.ProvisionServiceStub
    assert apiclient._FNAPI_ENVIRONMENT_MAJOR_VERSION.isdigit()
