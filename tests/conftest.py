"""Which tests run here: some need what a variable names, and a strict run allows no skipped test."""

from __future__ import annotations

import os

import pytest

NEEDING = {
    "real": ("HEARTBEAT_MITDB", "tests on real records did not run: name the MIT-BIH folder in HEARTBEAT_MITDB."),
    "image": ("HEARTBEAT_IMAGE", "tests of the image did not run: `make test-image` builds it and runs them."),
}
"""Marker -> the environment variable without which its tests are deselected, and what is said of them then."""

STRICT = "HEARTBEAT_NO_SKIPS"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = config.stash.setdefault(_DESELECTED, {})
    for marker, (variable, _) in NEEDING.items():
        if marked := [item for item in items if item.get_closest_marker(marker) and not os.environ.get(variable)]:
            config.hook.pytest_deselected(items=marked)
            items[:] = [item for item in items if item not in marked]
            left_out[marker] = len(marked)


_DESELECTED = pytest.StashKey[dict[str, int]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for marker, count in config.stash.get(_DESELECTED, {}).items():
        terminalreporter.write_line(f"{count} {NEEDING[marker][1]}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", [])) if reporter else 0
    if os.environ.get(STRICT) and skipped and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
