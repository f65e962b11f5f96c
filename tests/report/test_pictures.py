from dataclasses import replace
from pathlib import Path
from xml.dom import minidom

import pytest

from bench.pictures import FOLDER, on_white, pictures_of
from components.errors import UsageError
from components.report.material import load_run

PAGE = Path(__file__).parents[2] / "docs" / "results.md"


def test_the_pictures_are_drawn_in_dark_ink_on_white_and_are_those_of_the_results_page(finished: Path) -> None:
    run = load_run(finished)
    with pytest.raises(UsageError, match="simulated"):
        pictures_of(run)
    real = replace(run, summary={**run.summary, "data": {**run.summary["data"], "synthetic": False}})
    pictures = pictures_of(real)
    for name, picture in pictures.items():
        svg = on_white(picture)
        assert "background:#ffffff" in minidom.parseString(svg).documentElement.getAttribute("style")
        assert "prefers-color-scheme" not in svg
        assert f"(pictures/{name}.svg)" in PAGE.read_text()
    assert {file.stem for file in FOLDER.iterdir()} == set(pictures)
