"""Beam's job servers and other Java programs of the engines: find, start, wait for, and end with the job."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from components.errors import EnvironmentRefused
from components.score.engines.guard import guarded

START_SECONDS: Final = 300.0
"""How long a job server may take until it listens; some seconds are usual."""

POLL_SECONDS: Final = 0.1
"""How often that is checked."""

CONNECT_SECONDS: Final = 10.0
"""How long another machine may take to accept a connection."""

HEAP: Final = "1g"
"""Most memory for a job server's objects: it holds the plan of the job, never beats."""

FOLDER: Final = "HEARTBEAT_ENGINES"
"""Name of the environment variable that says where `make engines` has put the class paths."""

DEFAULT_FOLDER: Final = ".engines"

OPENED: Final = (
    *(f"java.base/java.{name}" for name in ("io", "lang", "lang.invoke", "lang.reflect", "net", "nio", "text", "time")),
    *(f"java.base/java.util{name}" for name in ("", ".concurrent", ".concurrent.atomic", ".concurrent.locks")),
    *(f"java.base/{name}" for name in ("jdk.internal.ref", "sun.nio.ch", "sun.nio.cs", "sun.security.action")),
    "java.base/sun.util.calendar",
)
"""Packages that Flink and Spark reach into; JDK 17 has them closed."""

QUICK_START: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Options for programs that have little to compute: beats are scored in processes of Python."""


@dataclass(frozen=True)
class JobServer:
    """A job server that listens, or will."""

    endpoint: str  # `HOST:PORT` for Beam
    process: subprocess.Popen | None = None  # its guard; None for a server that was running already
    log_file: Path | None = None  # what it writes; None likewise

    def check(self) -> None:
        """Raise EnvironmentRefused if it has ended."""
        if self.process is not None and self.process.poll() is not None:
            raise EnvironmentRefused(
                f"The job server ended with {self.process.returncode}{self._last_line()}: continue with --resume."
            )

    def await_ready(self) -> None:
        """Return when it listens.

        Raises:
            EnvironmentRefused: it ends, or does not listen after five minutes.
        """
        deadline = time.monotonic() + START_SECONDS
        while True:
            self.check()
            try:
                check_listens(self.endpoint, "job server", "it is still starting")
                return
            except EnvironmentRefused as error:
                if time.monotonic() > deadline:
                    raise EnvironmentRefused(
                        f"The job server did not start within {START_SECONDS:.0f} s{self._last_line()}."
                    ) from error
            time.sleep(POLL_SECONDS)

    def log(self) -> str:
        """Return all that it has written."""
        return "" if self.log_file is None else self.log_file.read_text(errors="replace")

    def _last_line(self) -> str:
        lines = [line for line in self.log().splitlines() if line.strip() and not line.startswith("\t")]
        return f" ({lines[-1].strip()[:300]})" if lines else ""


@contextmanager
def job_server(endpoint: str | None, command: Callable[[Sequence[str]], list[str]]) -> Iterator[JobServer]:
    """Yield the job server at an endpoint, else start one of our own and end it with the block.

    Our own is still starting when the block begins, so that imports go on beside it (1.9 s of a job on Flink): call
    `await_ready` before it is used. Beam's JavaJarJobServer starts one only when the job is submitted, and leaves it
    behind when this process is killed.

    Args:
        endpoint: `HOST:PORT` of one that runs already, or None.
        command: makes the command of our own from the arguments that all job servers take.

    Raises:
        EnvironmentRefused: nothing listens at the endpoint, or Java or a class path is missing.
    """
    if endpoint is not None:
        check_listens(endpoint, "job server", "start it, or leave --job-endpoint out to have one started")
        yield JobServer(endpoint)
        return
    with tempfile.TemporaryDirectory(prefix="heartbeat-job-server-") as scratch:
        port = free_port()
        arguments = [f"--job-port={port}", "--artifact-port=0", "--expansion-port=0"]
        log_file = Path(scratch) / "log"
        with guarded(command([*arguments, f"--artifacts-dir={scratch}/artifacts"]), log_file) as process:
            yield JobServer(f"localhost:{port}", process, log_file)


def check_listens(address: str, what: str, remedy: str, seconds: float = CONNECT_SECONDS) -> None:
    """Refuse an address, `HOST:PORT`, at which nothing accepts a connection within so many seconds.

    Raises:
        EnvironmentRefused: nothing does, or the address is malformed; names `what` should listen, and the remedy.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise EnvironmentRefused(f"{address} is no address of a {what}: give it as host:port.")
    try:
        socket.create_connection((host, int(port)), seconds).close()
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise EnvironmentRefused(f"The {what} at {address} does not answer ({why}): {remedy}.") from error


def engines_folder() -> Path:
    """Return where the class paths are: `HEARTBEAT_ENGINES`, or `.engines` in the current directory."""
    return Path(os.environ.get(FOLDER, DEFAULT_FOLDER)).absolute()


def class_path(*parts: str) -> str:
    """Return the class path of folders below the engines' folder.

    Raises:
        EnvironmentRefused: one of them is not there.
    """
    folders = [engines_folder() / part for part in parts]
    for folder in folders:
        if not any(folder.glob("*.jar")):
            raise EnvironmentRefused(
                f"There are no jars in {folder}: fetch them with `make engines`, name their folder in {FOLDER}, or "
                "name a job server that runs already with --job-endpoint."
            )
    return os.pathsep.join(f"{folder}/*" for folder in folders)


def java_command(
    path: str, main_class: str, arguments: Sequence[str], heap: str, options: Sequence[str] = ()
) -> list[str]:
    """Return the command that runs a Java program with a class path, a heap such as `512m`, and options of the JVM.

    Raises:
        EnvironmentRefused: there is no Java.
    """
    java = shutil.which("java")
    if java is None:
        raise EnvironmentRefused(
            "There is no `java` on the PATH: install a JDK 17 (Debian: openjdk-17-jdk-headless), or name a job server "
            "that runs already with --job-endpoint."
        )
    opened = [f"--add-opens={package}=ALL-UNNAMED" for package in OPENED]
    own = [f"-Xmx{heap}", f"-Djava.io.tmpdir={tempfile.gettempdir()}", *QUICK_START, *opened, *options]
    return [java, *own, "-cp", path, main_class, *arguments]


def free_port() -> int:
    """Return a port of loopback that nothing listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
