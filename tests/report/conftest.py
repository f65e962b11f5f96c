import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from components.report.pages import write_run_report
from tests.report.made_run import make_run
from tests.report.made_scoring import make_scoring, score_recordings


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run's folder; not to be changed."""
    return make_run(tmp_path_factory.mktemp("finished"))


@pytest.fixture(scope="session")
def report(finished: Path) -> Path:
    """The finished run's page."""
    return write_run_report(finished)


@pytest.fixture(scope="session")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished scoring directory; not to be changed but by its page."""
    return make_scoring(tmp_path_factory.mktemp("scored"))


@pytest.fixture(scope="session")
def scored_recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished scoring directory of recordings; not to be changed but by its pages."""
    return score_recordings(tmp_path_factory.mktemp("recordings"))


@pytest.fixture
def a_run(finished: Path, tmp_path: Path) -> Callable[[], Path]:
    """Gives a copy of the run's folder, whose artifacts are shared, to be changed at will."""

    def copy() -> Path:
        return Path(shutil.copytree(finished, tmp_path / finished.name, ignore=shutil.ignore_patterns("report")))

    return copy
