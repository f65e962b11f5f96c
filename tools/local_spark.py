"""A standalone Spark cluster on this machine, to try things out and for the tests.

Usage: python -m tools.local_spark [--port 7077] [--ui-port 8080] [--workers 2] [--cores 1]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil
import requests

from components.errors import EnvironmentRefused
from components.score.engines.guard import guarded
from components.score.engines.job_server import class_path, engines_folder, free_port, java_command
from components.score.engines.spark import HOME

START_SECONDS: Final = 300.0
"""How long a cluster may take to be ready; a few seconds are usual."""

WORKER_MEMORY: Final = "1g"
"""Of each worker: what one executor of Spark's default size takes."""

HEARTBEAT: Final = "-Dspark.worker.timeout=10"
"""Seconds after which the master gives a silent worker up."""


@dataclass
class SparkCluster:
    """A cluster that runs.

    Attributes:
        address: `HOST:PORT` of the master.
        ui: the same of its web page.
        folder: of logs and of the applications' files.
        cores: of each worker.
        environ: of the processes, and so of the executors and the workers that they start.
        workers: the guards of those that were started, in this order.
    """

    address: str
    ui: str
    folder: Path
    cores: int
    environ: Mapping[str, str] | None
    stack: ExitStack
    workers: list[subprocess.Popen] = field(default_factory=list)

    def start(self, main_class: str, arguments: list[str], name: str) -> subprocess.Popen:
        """Start one of Spark's processes."""
        command = java_command(class_path(f"{HOME}/jars"), main_class, arguments, "512m", [HEARTBEAT])
        environ = {**(os.environ if self.environ is None else self.environ)}
        home = str(engines_folder() / HOME)
        environ |= {"SPARK_HOME": home, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_SCALA_VERSION": "2.12"}
        return self.stack.enter_context(guarded(command, self.folder / f"{name}.log", environ))

    def add_worker(self) -> None:
        """Start one more worker."""
        name = f"worker-{len(self.workers)}"
        arguments = ["--host", "localhost", "--webui-port", "0", "--cores", str(self.cores), "--memory", WORKER_MEMORY]
        arguments += ["--work-dir", str(self.folder / name), f"spark://{self.address}"]
        self.workers.append(self.start("org.apache.spark.deploy.worker.Worker", arguments, name))

    def pid_of(self, worker: int) -> int:
        """Return the process number of a worker's virtual machine."""
        [java] = psutil.Process(self.workers[worker].pid).children()
        return java.pid

    def await_workers(self, count: int) -> None:
        """Return when so many workers are alive.

        Raises:
            EnvironmentRefused: they are not, after five minutes.
        """
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"http://{self.ui}/json/", timeout=10).json()["aliveworkers"] == count:
                    return
            if time.monotonic() > deadline:
                raise EnvironmentRefused(f"The Spark cluster is not ready. Its logs are in {self.folder}.")
            time.sleep(0.2)


@contextmanager
def spark_cluster(
    folder: Path,
    workers: int = 2,
    cores: int = 1,
    port: int = 0,
    ui_port: int = 0,
    environ: Mapping[str, str] | None = None,
) -> Iterator[SparkCluster]:
    """Run a master and workers for as long as this lasts.

    Args:
        folder: for logs and the applications' files.
        workers: how many.
        cores: of each.
        port: of the master; 0 takes a free one.
        ui_port: of its web page; likewise.
        environ: of all processes.

    Raises:
        EnvironmentRefused: Java or Spark is missing, or the cluster does not start.
    """
    folder.mkdir(parents=True)
    port, ui_port = port or free_port(), ui_port or free_port()
    with ExitStack() as stack:
        cluster = SparkCluster(f"localhost:{port}", f"localhost:{ui_port}", folder, cores, environ, stack)
        arguments = ["--host", "localhost", "--port", str(port), "--webui-port", str(ui_port)]
        cluster.start("org.apache.spark.deploy.master.Master", arguments, "master")
        for _ in range(workers):
            cluster.add_worker()
        cluster.await_workers(workers)
        yield cluster


def main() -> None:
    """Run a cluster until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=7077, help="of the master")
    parser.add_argument("--ui-port", type=int, default=8080, help="of the master's web page")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cores", type=int, default=1, help="of each worker")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="heartbeat-spark-") as scratch,
        spark_cluster(Path(scratch) / "spark", given.workers, given.cores, given.port, given.ui_port) as cluster,
        contextlib.suppress(KeyboardInterrupt),
    ):
        print(f"Spark is at spark://{cluster.address}, its page at http://{cluster.ui}. Ctrl-C ends it.", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
