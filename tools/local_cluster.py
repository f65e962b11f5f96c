"""A standalone Flink or Spark cluster on this machine, for trials, tests and the benchmark.

Usage: python -m tools.local_cluster flink|spark [--port N] [--workers 2] [--slots 1]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import psutil
import requests

from components.errors import EnvironmentRefused
from components.io.scratch import own_temporary_folder
from components.io.signals import sigterm_raised
from components.score.engines.flink import flink_overview
from components.score.engines.guard import guarded
from components.score.engines.job_server import class_path, engines_folder, free_port, java_command
from components.score.engines.spark import HOME

FLINK: Final = "flink-1.19.1/lib"

START_SECONDS: Final = 300.0
"""How long a cluster may take to be ready; a few seconds are usual."""

WORKER_MEMORY: Final = "1g"
"""Of each worker of Spark: what one executor of the default size takes."""

SPARK_TIMEOUT: Final = "-Dspark.worker.timeout=10"
"""Seconds after which Spark's master gives a silent worker up."""

FLINK_SETTINGS: Final = """\
jobmanager.rpc.address: localhost
jobmanager.rpc.port: {rpc_port}
jobmanager.bind-host: 127.0.0.1
taskmanager.bind-host: 127.0.0.1
taskmanager.host: localhost
rest.address: localhost
rest.bind-address: 127.0.0.1
rest.port: {rest_port}
io.tmp.dirs: {scratch}
taskmanager.numberOfTaskSlots: {slots}
taskmanager.load-balance.mode: SLOTS
taskmanager.cpu.cores: 1.0
taskmanager.memory.task.heap.size: 256m
taskmanager.memory.task.off-heap.size: 0b
taskmanager.memory.framework.heap.size: 128m
taskmanager.memory.framework.off-heap.size: 128m
taskmanager.memory.network.min: 64m
taskmanager.memory.network.max: 64m
taskmanager.memory.managed.size: 128m
taskmanager.memory.jvm-metaspace.size: 256m
taskmanager.memory.jvm-overhead.min: 192m
taskmanager.memory.jvm-overhead.max: 192m
pekko.ask.timeout: 120 s
pekko.startup-timeout: 120 s
restart-strategy.type: fixed-delay
restart-strategy.fixed-delay.attempts: 3
restart-strategy.fixed-delay.delay: 1 s
slot.request.timeout: 60000
"""
"""As conf/flink-conf.yaml has them; with `restart-strategy` a job outlives a lost TaskManager."""

FLINK_LOGGING: Final = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = console
appender.console.name = console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %-5p %c{1} %m%n
"""


class LocalCluster(ABC):
    """The processes of a cluster: a master, and workers of so many slots, one core each, that can be added.

    Settings and logs are in the folder. Port 0 takes a free one; `environ` is that of the processes, and so of the
    scoring workers that they start, None this process's; the stack ends the processes.
    """

    def __init__(
        self, folder: Path, port: int, slots: int, environ: Mapping[str, str] | None, stack: ExitStack
    ) -> None:
        self.folder, self.slots, self.environ, self._stack = folder, slots, environ, stack
        self.address = f"localhost:{port or free_port()}"
        self.workers: list[subprocess.Popen] = []
        folder.mkdir(parents=True)
        self.master = self.start_master()

    @abstractmethod
    def start_master(self) -> subprocess.Popen:
        """Start the process that the workers register with."""

    @abstractmethod
    def add_worker(self) -> None:
        """Start one more worker."""

    @abstractmethod
    def registered(self) -> int:
        """Return how many workers have registered.

        Raises:
            EnvironmentRefused: the master does not answer yet.
        """

    def start(self, command: Sequence[str], name: str, environ: Mapping[str, str] | None) -> subprocess.Popen:
        """Start a process that ends with the cluster; its log is `name`.log."""
        return self._stack.enter_context(guarded(command, self.folder / f"{name}.log", environ))

    def pid_of(self, worker: int) -> int:
        """Return the process number of a worker's virtual machine."""
        [java] = psutil.Process(self.workers[worker].pid).children()
        return java.pid

    def await_workers(self, count: int) -> None:
        """Return when so many workers have registered.

        Raises:
            EnvironmentRefused: they have not, after five minutes.
        """
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if self.registered() == count:
                    return
                why = f"it has not {count} workers"
            except EnvironmentRefused as error:
                why = str(error).rstrip(".")
            if self.master.poll() is not None or time.monotonic() > deadline:
                raise EnvironmentRefused(f"The cluster is not ready ({why}); its logs are in {self.folder}.")
            time.sleep(0.2)


class LocalFlink(LocalCluster):
    """A JobManager and TaskManagers; `address` is that of the REST interface and the web page."""

    def start_master(self) -> subprocess.Popen:
        """Write the settings and start the JobManager."""
        scratch = self.folder / "tmp"
        scratch.mkdir()
        rest_port = self.address.rpartition(":")[2]
        settings = {"rpc_port": free_port(), "rest_port": rest_port, "scratch": scratch, "slots": self.slots}
        (self.folder / "flink-conf.yaml").write_text(FLINK_SETTINGS.format(**settings))
        (self.folder / "log4j.properties").write_text(FLINK_LOGGING)
        return self._java("entrypoint.StandaloneSessionClusterEntrypoint", "512m", "jobmanager")

    def add_worker(self) -> None:
        """Start one more TaskManager."""
        self.workers.append(self._java("taskexecutor.TaskManagerRunner", "384m", f"taskmanager-{len(self.workers)}"))

    def registered(self) -> int:
        """Return how many TaskManagers have registered with all their slots."""
        overview = flink_overview(self.address)
        return overview.task_managers if overview.slots == overview.task_managers * self.slots else -1

    def _java(self, main_class: str, heap: str, name: str) -> subprocess.Popen:
        options = [f"-Dlog4j2.configurationFile={self.folder / 'log4j.properties'}"]
        main_class = f"org.apache.flink.runtime.{main_class}"
        command = java_command(class_path(FLINK), main_class, ["--configDir", str(self.folder)], heap, options)
        return self.start(command, name, self.environ)


class LocalSpark(LocalCluster):
    """A master and workers; `address` is the master's, `page` that of its web page."""

    def start_master(self) -> subprocess.Popen:
        """Start the master."""
        self.page = f"localhost:{free_port()}"
        ports = ["--port", self.address.rpartition(":")[2], "--webui-port", self.page.rpartition(":")[2]]
        return self._java("master.Master", ["--host", "localhost", *ports], "master")

    def add_worker(self) -> None:
        """Start one more worker."""
        name = f"worker-{len(self.workers)}"
        arguments = ["--host", "localhost", "--webui-port", "0", "--cores", str(self.slots), "--memory", WORKER_MEMORY]
        arguments += ["--work-dir", str(self.folder / name), f"spark://{self.address}"]
        self.workers.append(self._java("worker.Worker", arguments, name))

    def registered(self) -> int:
        """Return how many workers are alive."""
        try:
            return int(requests.get(f"http://{self.page}/json/", timeout=10).json()["aliveworkers"])
        except requests.RequestException as error:
            raise EnvironmentRefused(f"Spark's master does not answer: {error}.") from error

    def _java(self, main_class: str, arguments: Sequence[str], name: str) -> subprocess.Popen:
        main_class = f"org.apache.spark.deploy.{main_class}"
        command = java_command(class_path(f"{HOME}/jars"), main_class, arguments, "512m", [SPARK_TIMEOUT])
        environ = {**(os.environ if self.environ is None else self.environ), "SPARK_LOCAL_IP": "127.0.0.1"}
        environ |= {"SPARK_HOME": str(engines_folder() / HOME), "SPARK_SCALA_VERSION": "2.12"}
        return self.start(command, name, environ)


KINDS: Final = {"flink": (LocalFlink, 8081), "spark": (LocalSpark, 7077)}
"""Engine -> its cluster, and the port of its address by default."""


@contextmanager
def local_cluster(
    engine: str,
    folder: Path,
    workers: int = 2,
    slots: int = 1,
    port: int = 0,
    environ: Mapping[str, str] | None = None,
) -> Iterator[LocalCluster]:
    """Run a cluster for as long as this lasts; arguments as of LocalCluster.

    Raises:
        EnvironmentRefused: Java or the engine is missing, or the cluster does not start.
    """
    with ExitStack() as stack:
        cluster = KINDS[engine][0](folder, port, slots, environ, stack)
        for _ in range(workers):
            cluster.add_worker()
        cluster.await_workers(workers)
        yield cluster


def main() -> None:
    """Run a cluster until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=KINDS)
    parser.add_argument("--port", type=int, help="of Flink's REST interface (8081) or of Spark's master (7077)")
    parser.add_argument("--workers", type=int, default=2, help="TaskManagers of Flink, workers of Spark")
    parser.add_argument("--slots", type=int, default=1, help="of each worker, one core each")
    options = parser.parse_args()
    port = options.port or KINDS[options.engine][1]
    with (
        sigterm_raised(),
        own_temporary_folder(),  # Java's programs leave files there
        local_cluster(
            options.engine, Path(tempfile.mkdtemp(), "cluster"), options.workers, options.slots, port
        ) as cluster,
        contextlib.suppress(KeyboardInterrupt),
    ):
        print(
            f"{options.engine}://{cluster.address} is ready, its logs in {cluster.folder}. Ctrl-C ends it.", flush=True
        )
        threading.Event().wait()


if __name__ == "__main__":
    main()
