"""The figures in the docs come from the benchmarks' lines, marked where they miss their aim."""

import json
from pathlib import Path

import pytest

from bench.table import BEGIN, END, LEAST, placed, table

PAGE = (Path(__file__).parents[2] / "docs" / "scoring.md").read_text()
LINES = [
    {"name": "parser vs bare Arrow CSV to float32 matrix", "ours": 1.0, "peer": 2.0, "unit": "CPU s", "ratio": 0.5},
    {"name": "one core, CSV in", "ours": 20_000.4, "limit": 22_222.2, "unit": "rows/s", "ratio": 0.9, "read_us": 1.5},
    {"name": "pandas_keras", "ours": 2.0, "peer": 2.6, "unit": "CPU s", "ratio": 1.3},
    {"name": "peak memory, 5 M beats against 0.1 M", "ours": 760, "peer": 750, "unit": "MiB", "ratio": 1.013},
]


def test_what_is_reached_is_bold_and_what_is_not_is_said():
    rows = table(map(json.dumps, LINES)).splitlines()[2:]
    assert [row.split("|")[2:6] for row in rows] == [
        [" 20,000 rows/s ", " 22,222 rows/s ", " **0.90** ", " >= 0.85 "],
        [" 2 CPU s ", " 2.6 CPU s ", " 1.30, missed ", " >= 1.5 "],
        [" 760 MiB ", " 750 MiB ", " **1.01** ", " <= 1.1 "],
    ]


def test_the_table_replaces_only_what_stands_between_the_marks():
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    once = placed(page, "| new |\n")
    assert once == f"before\n{BEGIN}\n\n| new |\n\n{END}\nafter\n"
    assert placed(once, "| new |\n") == once
    with pytest.raises(ValueError, match="the page has no"):
        placed("before", "| new |\n")


def test_the_page_has_the_marks_and_every_benchmark_a_name():
    assert placed(PAGE, "| new |\n")
    bench = Path(__file__).parents[2] / "bench"
    text = (bench / "score.py").read_text() + (bench / "score_peers.py").read_text()
    assert not [name for name in LEAST if name not in text.replace('f"one core, {name} in"', "".join(LEAST))]
