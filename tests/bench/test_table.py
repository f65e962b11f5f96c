"""The figures in the docs come from the benchmarks' lines, marked where they miss their aim."""

import ast
import json
import re
from pathlib import Path

import pytest

from bench.table import BEGIN, END, LEAST, MOST, placed, table

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs" / "scoring.md").read_text()
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
        [" 2 CPU s ", " 2.6 CPU s ", " 1.30, missed ", " >= 3 "],
        [" 760 MiB ", " 750 MiB ", " **1.01** ", " <= 1.1 "],
    ]


def test_the_table_replaces_only_what_stands_between_the_marks():
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    once = placed(page, "| new |\n")
    assert once == f"before\n{BEGIN}\n\n| new |\n\n{END}\nafter\n"
    assert placed(once, "| new |\n") == once
    with pytest.raises(ValueError, match="the page has no"):
        placed("before", "| new |\n")


def test_the_page_has_the_marks():
    assert "| new |" in placed(PAGE, "| new |\n")


def names_in(source):
    """Patterns of the names that a benchmark can print: its strings, with a group for each value that is put in."""
    tree = ast.parse(source)
    literal = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    built = {
        "".join(re.escape(part.value) if isinstance(part, ast.Constant) else "(.+)" for part in node.values)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
    }
    return literal | functions, built


def test_every_row_of_the_table_has_a_benchmark_that_prints_its_name():
    plain, built = set(), set()
    for file in ("score.py", "score_peers.py"):
        names, patterns = names_in((TOP / "bench" / file).read_text())
        plain, built = plain | names, built | patterns

    def printed(name):
        matches = [match for pattern in built if (match := re.fullmatch(pattern, name))]
        return name in plain or any(set(match.groups()) <= plain for match in matches)

    assert not [name for name in LEAST if not printed(name)]
    assert not [
        beginning for beginning in MOST if not any(pattern.startswith(re.escape(beginning)) for pattern in built)
    ]
    assert not printed("one core, XML in")
    assert not printed("a benchmark of that name does not exist")
