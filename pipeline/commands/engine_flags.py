"""Flags that say on what else than this machine a job runs."""

from __future__ import annotations

from typing import Any

import click


def engine_flags(command: Any) -> Any:
    """Let a command take `--on` and what belongs to it."""
    flags = (
        click.option(
            "--on",
            metavar="ENGINE",
            help="Where to run: flink://HOST:8081, spark://HOST:7077 or dataflow. Default: this machine.",
        ),
        click.option(
            "--job-endpoint", metavar="HOST:PORT", help="Beam's job server for Flink or Spark. Default: one is started."
        ),
        click.option(
            "--worker-command",
            metavar="PATH",
            help="heartbeat-worker on the engine's machines. Default: where it is on this one.",
        ),
        click.option("--assume-shared", is_flag=True, help="Local paths are mounted on all of the engine's machines."),
    )
    for flag in reversed(flags):
        command = flag(command)
    return command
