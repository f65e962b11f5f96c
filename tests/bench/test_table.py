"""The figures in the docs come from the benchmarks' lines, marked if they miss their target."""

import json
from pathlib import Path

import pytest

from bench.measure import compare
from bench.table import BEGIN, END, placed, table

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs" / "scoring.md").read_text()
LINES = [
    {"name": "parser", "ours": 1.0, "peer": 2.0, "unit": "CPU s", "ratio": 2.0},
    {"name": "CSV in", "ours": 20_000.4, "limit": 22_222.2, "unit": "rows/s", "ratio": 0.9, "target": ">= 0.85"},
    {"name": "pandas", "ours": 2, "peer": 2.6, "unit": "CPU s", "ratio": 1.3, "spread": [1.2, 1.41], "target": ">= 3"},
    {"name": "peak memory", "ours": 760, "peer": 750, "unit": "MiB", "ratio": 1.013, "target": "<= 1.1"},
]


def test_what_is_reached_is_bold_and_what_is_not_is_said():
    rows = table(map(json.dumps, LINES)).splitlines()[2:]
    assert [row.split("|")[2:6] for row in rows] == [
        [" 1 CPU s ", " 2 CPU s ", " 2.00 ", "  "],
        [" 20,000 rows/s ", " 22,222 rows/s ", " **0.90** ", " >= 0.85 "],
        [" 2 CPU s ", " 2.6 CPU s ", " 1.30, missed (1.20 to 1.41) ", " >= 3 "],
        [" 760 MiB ", " 750 MiB ", " **1.01** ", " <= 1.1 "],
    ]


def test_a_comparison_tells_how_many_times_as_good_ours_is(capsys):
    compare("a rate", [30, 20, 40], [10, 10, 10], "rows/s")
    compare("seconds", [1, 2, 4], [4, 4, 4], "s", "limit", target=">= 1")
    rate, seconds = map(json.loads, capsys.readouterr().out.splitlines())
    assert rate == {"name": "a rate", "ours": 30, "peer": 10, "unit": "rows/s", "ratio": 3, "spread": [2, 4]}
    assert seconds == {
        "name": "seconds", "ours": 2, "limit": 4, "unit": "s", "ratio": 2, "spread": [1, 4], "target": ">= 1"
    }  # fmt: skip


def test_the_table_replaces_only_what_stands_between_the_marks():
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    once = placed(page, "| new |\n")
    assert once == f"before\n{BEGIN}\n\n| new |\n\n{END}\nafter\n"
    assert placed(once, "| new |\n") == once
    with pytest.raises(ValueError, match="the page has no"):
        placed("before", "| new |\n")


def test_the_page_has_the_marks():
    assert "| new |" in placed(PAGE, "| new |\n")
