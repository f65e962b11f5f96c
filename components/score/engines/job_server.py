"""Beam's job server for an engine: started beside the job, waited for, and gone with it."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from components.errors import EnvironmentRefused
from components.score.engines.address import Engine
from components.score.engines.guard import guarded
from components.score.engines.java import class_path, engines_folder, free_port, java_command

START_SECONDS: Final = 300.0
"""How long a job server may take until it listens; some seconds are usual."""

AWAIT_SECONDS: Final = 0.1
"""How often it is looked at until then."""

SPARK: Final = "spark-3.5.3"

HEAP: Final = "1g"
"""Most memory for its objects: it holds the plan of the job, never beats."""

CONNECT_SECONDS: Final = 10.0
"""How long another machine may take to accept a connection."""


@dataclass(frozen=True)
class JobServer:
    """A job server that listens, or will.

    Attributes:
        endpoint: `HOST:PORT` for Beam.
        process: its guard; None for one that others look after.
        log: what it writes; None likewise.
    """

    endpoint: str
    process: subprocess.Popen | None = None
    log: Path | None = None

    def check(self) -> None:
        """Raise if it has ended.

        Raises:
            EnvironmentRefused: it has.
        """
        if self.process is not None and self.process.poll() is not None:
            raise EnvironmentRefused(
                f"The job server ended with {self.process.returncode}{self.last_words()}: go on with --resume."
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
                        f"The job server did not start within {START_SECONDS:.0f} s{self.last_words()}."
                    ) from error
            time.sleep(AWAIT_SECONDS)

    def told(self) -> str:
        """All that it has written."""
        return "" if self.log is None else self.log.read_text(errors="replace")

    def last_words(self) -> str:
        """Its last line, in brackets, if there is one."""
        lines = [line for line in self.told().splitlines() if line.strip() and not line.startswith("\t")]
        return f" ({lines[-1].strip()[:300]})" if lines else ""


@contextmanager
def job_server(engine: Engine, endpoint: str | None, options: Sequence[str] = ()) -> Iterator[JobServer]:
    """The job server of an engine: the one that is named, else one of our own for as long as this lasts.

    One of our own is still starting when this begins: `await_ready` before it is asked for anything.

    Args:
        engine: to run jobs on.
        endpoint: `HOST:PORT` of one that runs already.
        options: of the virtual machine of one that is started.

    Raises:
        EnvironmentRefused: nobody listens there, or Java or a class path is missing.
    """
    if endpoint is not None:
        check_listens(endpoint, "job server", "start it, or leave --job-endpoint out to have one started")
        yield JobServer(endpoint)
        return
    with tempfile.TemporaryDirectory(prefix="heartbeat-job-server-") as scratch:
        log = Path(scratch) / "log"
        own = f"localhost:{free_port()}"
        with guarded(_command(engine, own, scratch, options), log) as process:
            yield JobServer(own, process, log)


def check_listens(address: str, who: str, what_to_do: str, seconds: float = CONNECT_SECONDS) -> None:
    """Refuse an address where nobody accepts a connection.

    Args:
        address: `HOST:PORT`.
        who: is meant to listen there.
        what_to_do: if nobody does.
        seconds: that it may take.

    Raises:
        EnvironmentRefused: nobody does, or the address is none.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise EnvironmentRefused(f"{address} is no address of a {who}: give it as host:port.")
    try:
        socket.create_connection((host, int(port)), seconds).close()
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise EnvironmentRefused(f"The {who} at {address} does not answer ({why}): {what_to_do}.") from error


def _command(engine: Engine, endpoint: str, scratch: str, options: Sequence[str]) -> list[str]:
    port = endpoint.rpartition(":")[2]
    own = [f"--job-port={port}", "--artifact-port=0", "--expansion-port=0", f"--artifacts-dir={scratch}/artifacts"]
    if engine.kind == "flink":
        path, driver = class_path("flink"), "org.apache.beam.runners.flink.FlinkJobServerDriver"
        return java_command(path, driver, [f"--flink-master={engine.address}", *own], HEAP, options)
    path, driver = spark_class_path(), "org.apache.beam.runners.spark.SparkJobServerDriver"
    return java_command(path, driver, [f"--spark-master-url=spark://{engine.address}", *own], HEAP, options)


def spark_jar() -> Path:
    """Beam's part of a Spark job, where `make engines` puts it."""
    return engines_folder() / "spark" / "job-server.jar"


def spark_class_path() -> str:
    """Beam's jar before Spark's, whose Guava is too old for it; but Spark's SLF4J first, or the driver logs nothing.

    Raises:
        EnvironmentRefused: one of the folders is not there, or is of an earlier version.
    """
    path = class_path("spark", f"{SPARK}/jars")
    if not spark_jar().is_file():
        raise EnvironmentRefused(
            f"{spark_jar().parent} is of an earlier version of heartbeat: remove it and run `make engines`."
        )
    return os.pathsep.join([*map(str, sorted((engines_folder() / SPARK / "jars").glob("slf4j-api-*.jar"))), path])
