"""What Beam options say about where a job runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

LOCAL: Final = ("DirectRunner", "BundleBasedDirectRunner", "SwitchingDirectRunner", "FnApiRunner", "PrismRunner")
"""Runners, by the last part of their names, whose workers are processes or threads of this machine."""


def option(options: Sequence[str], *names: str) -> str | None:
    """The value of a Beam option, given as `--name=value` or as `--name value`; the last one counts.

    Args:
        options: as on the command line.
        names: of the option, without dashes; any of them.
    """
    value = None
    for at, word in enumerate(options):
        name, equals, told = word.partition("=")
        if name.lstrip("-") not in names or not word.startswith("--"):
            continue
        value = told if equals else next(iter(options[at + 1 : at + 2]), None)
    return value


def unless_given(defaults: Mapping[str, object], given: Sequence[str]) -> list[str]:
    """Options `--name=value` for those names that the options given do not have.

    Args:
        defaults: name, without dashes -> value.
        given: options of the user.
    """
    return [f"--{name}={value}" for name, value in defaults.items() if option(given, name) is None]


def names_runner(options: Sequence[str]) -> bool:
    """Whether a runner is named at all."""
    return option(options, "runner") is not None


def is_elsewhere(options: Sequence[str]) -> bool:
    """Whether workers may be on other machines, or in containers: then they see neither our files nor our processes."""
    runner = option(options, "runner")
    if runner is None or runner.rpartition(".")[2] in LOCAL:
        return False
    return option(options, "environment_type") != "LOOPBACK"
