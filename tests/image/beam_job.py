"""Runs in the image: a Beam job whose worker is started by a pool, as beside a TaskManager in deploy/."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

POOL, JOBS = 50000, 50001
BEAM = "apache_beam.runners"
WORKER = os.path.join(os.path.dirname(sys.executable), "heartbeat-worker")
SERVICES = (
    [f"{BEAM}.worker.worker_pool_main", f"--service_port={POOL}", f"--container_executable={WORKER}"],
    [f"{BEAM}.portability.local_job_service_main", f"--job_port={JOBS}"],
)
OPTIONS = [
    "--runner=PortableRunner",
    f"--job_endpoint=localhost:{JOBS}",
    "--environment_type=EXTERNAL",
    f"--environment_config=localhost:{POOL}",
    "--job_server_timeout=1000",  # of the job, too: seconds
]


def square(number):
    import os

    return number * number, os.getpid()


def tell(sums, told):
    with open(told, "a") as file:
        file.write(sums)


def worded(pairs, submitter):
    pairs = list(pairs)
    where = "by another process" if submitter not in {process for _, process in pairs} else "by the submitter"
    return f"sum of squares below 1000: {sum(number for number, _ in pairs)}, {where}"


@contextmanager
def services():
    running = [subprocess.Popen([sys.executable, "-m", *words], stderr=subprocess.DEVNULL) for words in SERVICES]
    try:
        for port in (POOL, JOBS):
            while True:
                try:
                    socket.create_connection(("localhost", port)).close()
                    break
                except OSError:
                    time.sleep(0.2)
        yield
    finally:
        for service in running:
            service.terminate()
            service.wait()


def main():
    with services(), beam.Pipeline(options=PipelineOptions(OPTIONS)) as pipeline:
        _ = (
            pipeline
            | beam.Create(range(1000))
            | beam.Map(square)
            | beam.combiners.ToList()
            | beam.Map(worded, os.getpid())
            | beam.Map(tell, "/tmp/told")
        )
    with open("/tmp/told") as file:
        print(file.read())  # noqa: T201 - what the test reads


if __name__ == "__main__":
    main()
