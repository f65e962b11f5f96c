"""A standalone Flink cluster on this machine, to try things out, for the tests and for the benchmark.

Usage: python -m tools.local_flink [--port 8081] [--task-managers 2] [--slots 1]
"""

from __future__ import annotations

import argparse
import contextlib
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

from components.errors import EnvironmentRefused
from components.score.engines.flink import flink_overview
from components.score.engines.guard import guarded
from components.score.engines.job_server import class_path, free_port, java_command

DISTRIBUTION: Final = "flink-1.19.1/lib"

START_SECONDS: Final = 300.0
"""How long a cluster may take to be ready; a few seconds are usual."""

SETTINGS: Final = """\
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

LOGGING: Final = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = console
appender.console.name = console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %-5p %c{1} %m%n
"""


@dataclass
class FlinkCluster:
    """A cluster that runs.

    Attributes:
        address: of the REST interface.
        folder: of settings and logs.
        slots: of each TaskManager.
        environ: of the processes, and so of the workers that they start.
        task_managers: the guards of those that were started, in this order.
        job_manager: the guard of the JobManager.
    """

    address: str
    folder: Path
    slots: int
    environ: Mapping[str, str] | None
    stack: ExitStack
    task_managers: list[subprocess.Popen] = field(default_factory=list)
    job_manager: subprocess.Popen | None = None

    def start(self, main_class: str, heap: str, name: str) -> subprocess.Popen:
        """Start one of Flink's processes."""
        options = [f"-Dlog4j2.configurationFile={self.folder / 'log4j.properties'}"]
        arguments = ["--configDir", str(self.folder)]
        command = java_command(class_path(DISTRIBUTION), main_class, arguments, heap, options)
        return self.stack.enter_context(guarded(command, self.folder / f"{name}.log", self.environ))

    def add_task_manager(self) -> None:
        """Start one more TaskManager."""
        name = f"taskmanager-{len(self.task_managers)}"
        self.task_managers.append(self.start("org.apache.flink.runtime.taskexecutor.TaskManagerRunner", "384m", name))

    def pid_of(self, task_manager: int) -> int:
        """Return the process number of a TaskManager's virtual machine."""
        [java] = psutil.Process(self.task_managers[task_manager].pid).children()
        return java.pid

    def await_task_managers(self, count: int) -> None:
        """Return when so many TaskManagers have registered.

        Raises:
            EnvironmentRefused: they have not, after five minutes.
        """
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                now = flink_overview(self.address)
                if now.task_managers == count and now.slots == count * self.slots:
                    return
                why = f"it has not {count} TaskManagers"
            except EnvironmentRefused as error:
                why = str(error).rstrip(".")
            ended = self.job_manager is not None and self.job_manager.poll() is not None
            if ended or time.monotonic() > deadline:
                raise EnvironmentRefused(f"The Flink cluster is not ready ({why}); its logs are in {self.folder}.")
            time.sleep(0.2)


@contextmanager
def flink_cluster(
    folder: Path, task_managers: int = 2, slots: int = 1, port: int = 0, environ: Mapping[str, str] | None = None
) -> Iterator[FlinkCluster]:
    """Run a JobManager and TaskManagers for as long as this lasts.

    Args:
        folder: for settings and logs.
        task_managers: how many.
        slots: of each.
        port: of the REST interface; 0 takes a free one.
        environ: of all processes.

    Raises:
        EnvironmentRefused: Java or Flink is missing, or the cluster does not start.
    """
    rest_port = port or free_port()
    scratch = folder / "tmp"
    scratch.mkdir(parents=True)
    settings = SETTINGS.format(rpc_port=free_port(), rest_port=rest_port, scratch=scratch, slots=slots)
    (folder / "flink-conf.yaml").write_text(settings)
    (folder / "log4j.properties").write_text(LOGGING)
    with ExitStack() as stack:
        cluster = FlinkCluster(f"localhost:{rest_port}", folder, slots, environ, stack)
        main_class = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
        cluster.job_manager = cluster.start(main_class, "512m", "jobmanager")
        for _ in range(task_managers):
            cluster.add_task_manager()
        cluster.await_task_managers(task_managers)
        yield cluster


def main() -> None:
    """Run a cluster until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8081, help="of the REST interface and the web page")
    parser.add_argument("--task-managers", type=int, default=2)
    parser.add_argument("--slots", type=int, default=1, help="of each TaskManager")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="heartbeat-flink-") as scratch,
        flink_cluster(Path(scratch) / "flink", given.task_managers, given.slots, given.port) as cluster,
        contextlib.suppress(KeyboardInterrupt),
    ):
        print(f"Flink is at http://{cluster.address}, its logs in {cluster.folder}. Ctrl-C ends it.", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
