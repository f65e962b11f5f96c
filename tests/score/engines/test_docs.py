"""The pages of the engines: commands that the command line understands, and links that lead somewhere."""

import re
import shlex
from pathlib import Path

import click
import pytest

from pipeline.cli import heartbeat

DOCS = Path(__file__).parents[3] / "docs"
PAGES = ("flink.md", "spark.md", "dataflow.md", "planning.md", "scoring.md")


def commands(page):
    """All commands of a page, lines that go on joined."""
    blocks = re.findall(r"```sh\n(.*?)```", (DOCS / page).read_text(), flags=re.DOTALL)
    return [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]


SCORING = [(page, line) for page in PAGES for line in commands(page) if line.startswith("heartbeat score")]


@pytest.mark.parametrize(("page", "line"), SCORING)
def test_scoring_commands_are_understood(page, line):
    command = heartbeat.get_command(click.Context(heartbeat), "score")
    context = command.make_context("score", shlex.split(line)[2:])
    assert context.params["inputs"]


MODULES = [
    line.split()[2] for page in PAGES for line in commands(page) if re.match("python -m (components|tools|bench)", line)
]


@pytest.mark.parametrize("module", MODULES)
def test_modules_that_are_called_are_there(module):
    assert Path(__file__).parents[3].joinpath(*module.split(".")).with_suffix(".py").exists()


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_pages_and_headings(page):
    for target, heading in re.findall(r"\]\(([a-z_]+\.md)(?:#([a-z-]+))?\)", (DOCS / page).read_text()):
        headings = re.findall(r"^## (.*)$", (DOCS / target).read_text(), flags=re.MULTILINE)
        assert not heading or heading in [text.lower().replace(" ", "-") for text in headings], (target, heading)


def test_each_engine_has_a_page_that_scoring_leads_to():
    text = (DOCS / "scoring.md").read_text()
    assert all(f"({page})" in text for page in PAGES if page != "scoring.md")
