from collections.abc import Callable
from pathlib import Path

import pytest

from components.report import pages
from pipeline.cli import heartbeat, main


def test_the_command_makes_a_runs_page_again(
    a_run: Callable[[], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = a_run()
    monkeypatch.setattr(pages, "RUN_SECTIONS", pages.RUN_SECTIONS[:1])
    assert main(heartbeat, ["report", str(run)]) == 0
    said = capsys.readouterr()
    assert Path(said.out.strip()) == run / "report" / "index.html"
    assert said.err == ""


def test_the_command_makes_a_scoring_jobs_page_too(scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(heartbeat, ["report", str(scored)]) == 0
    page = Path(capsys.readouterr().out.strip())
    assert page == scored / "report" / "index.html"
    assert "scoring job" in page.read_text()


@pytest.mark.parametrize("folder", ["missing", "."])
def test_what_is_no_run_is_usage(folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(heartbeat, ["report", str(tmp_path / folder)]) == 2
    assert "ROOT/runs" in capsys.readouterr().err
