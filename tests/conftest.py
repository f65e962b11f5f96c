"""Which tests run here: some need records, or hours, of their own."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from components.io.scratch import own_temporary_folder
from tests.demo import Ended, local_runner

MITDB = "HEARTBEAT_MITDB"
SOAK = "HEARTBEAT_SOAK"
CLUSTER = "HEARTBEAT_CLUSTER"
IMAGE = "HEARTBEAT_IMAGE"
ASKED_FOR = {
    "real": (MITDB, f"tests on real records did not run: name the MIT-BIH folder in {MITDB}."),
    "soak": (SOAK, f"tests of faults and fuzz, which take long, did not run: `make soak` sets {SOAK}=1."),
    "cluster": (CLUSTER, f"tests on Flink and Spark clusters did not run: `make test-cluster` sets {CLUSTER}=1."),
    "image": (IMAGE, f"tests of the image did not run: `make test-image` sets {IMAGE}=1."),
}
"""Marker -> the variable that asks for such tests, and what is said of them where it is not set."""

STRICT = "HEARTBEAT_NO_SKIPS"

OF_PROCESSOR = "this processor does not compute"
"""In the reason of a skip that no package can mend."""

_OPEN = ExitStack()
"""What lasts as long as the tests."""


def pytest_configure() -> None:
    """Have what tests and libraries leave in the temporary folder removed; pytest's own folders stay."""
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    _OPEN.enter_context(own_temporary_folder())


def pytest_unconfigure() -> None:
    _OPEN.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """The demo, run once for all tests; what it left in its root is not to be changed."""
    return local_runner(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session")
def quantised_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network as it is served, with its int8 model; not to be changed."""
    from tests.train.quantised_model import save_quantised  # takes TensorFlow along

    return save_quantised(tmp_path_factory.mktemp("quantised") / "1700000000")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out: dict[str, int] = {}
    for marker, (variable, told) in ASKED_FOR.items():
        marked = [item for item in items if item.get_closest_marker(marker)]
        if marked and not os.environ.get(variable):
            config.hook.pytest_deselected(items=marked)
            items[:] = [item for item in items if not item.get_closest_marker(marker)]
            left_out[told] = len(marked)
    config.stash[_LEFT_OUT] = left_out


_LEFT_OUT = pytest.StashKey[dict[str, int]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for told, count in config.stash.get(_LEFT_OUT, {}).items():
        terminalreporter.write_line(f"{count} {told}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    reports = reporter.stats.get("skipped", []) if reporter else []
    skipped = [report for report in reports if OF_PROCESSOR not in str(report.longrepr)]
    if os.environ.get(STRICT) and skipped and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
