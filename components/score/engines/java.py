"""Java programs of the engines: how they are called, and where their class paths lie."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from components.errors import EnvironmentRefused

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

SOON_READY: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Options for programs that have little to compute: beats are scored in processes of Python."""


def engines_folder() -> Path:
    """Where the class paths are: `HEARTBEAT_ENGINES`, or `.engines` in the current directory."""
    return Path(os.environ.get(FOLDER, DEFAULT_FOLDER)).absolute()


def class_path(*parts: str) -> str:
    """The class path of folders below the engines' folder.

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
    """The command that runs a Java program.

    Args:
        path: class path.
        main_class: to run.
        arguments: of the program.
        heap: most memory for objects, such as `512m`.
        options: of the virtual machine.

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
    return [java, f"-Xmx{heap}", *SOON_READY, *opened, *options, "-cp", path, main_class, *arguments]


def free_port() -> int:
    """A port of loopback that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
