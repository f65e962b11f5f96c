"""Which tests run here: real records and clusters have to be there, and a strict run allows no skipped test."""

from __future__ import annotations

import os

import pytest

MITDB = "HEARTBEAT_MITDB"
CLUSTER = "HEARTBEAT_CLUSTER"
STRICT = "HEARTBEAT_NO_SKIPS"


WANTED_BY = {"real": MITDB, "cluster": CLUSTER}
"""Marker -> environment variable without which its tests do not run."""

TOLD = {
    "real": f"tests on real records did not run: name the MIT-BIH folder in {MITDB}.",
    "cluster": "tests on Flink and Spark clusters did not run: `make test-cluster` runs them.",
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for marker, variable in WANTED_BY.items():
        left_out = [] if os.environ.get(variable) else [item for item in items if item.get_closest_marker(marker)]
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if item not in left_out]
            config.stash.setdefault(_DESELECTED, {})[marker] = len(left_out)


_DESELECTED = pytest.StashKey[dict[str, int]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for marker, count in config.stash.get(_DESELECTED, {}).items():
        terminalreporter.write_line(f"{count} {TOLD[marker]}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", [])) if reporter else 0
    if os.environ.get(STRICT) and skipped and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
