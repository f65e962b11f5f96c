"""The figures of scoring as a table in Markdown, from the JSON lines of the benchmarks.

Usage: python -m bench.table LINES.jsonl [--page docs/scoring.md]

With a page, the table replaces what stands there between the two marks.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

BEGIN: Final = "<!-- figures: made by `make bench` -->"
END: Final = "<!-- end of figures -->"

LEAST: Final = {
    "one core, CSV in": ("one core, CSV in, Parquet out; against read + count, parse and model, each alone", 0.85),
    "one core, CSV in, int8": ("the same in int8; against the whole job in float32", 2.0),
    "one core, CSV in, bfloat16": ("the same in bfloat16; against the whole job in float32", 1.0),
    "one core, Parquet in": ("one core, Parquet in; against read and model, each alone", 0.85),
    "one core, TFRecord in": ("one core, TFRecord in; against read and model, each alone", 0.85),
    "two workers, start-up excluded": ("two workers; against two processes that know nothing of each other", 0.9),
    "pandas_keras": ("pandas.read_csv + keras.predict(batch_size=256), one core; ours as it is by default", 3.0),
    "pandas_keras_machine": ("the same, whole machine against whole machine", 2.0),
    "bulk_inferrer": ("TFX BulkInferrer, TFRecord in, one core; ours as it is by default", 10.0),
    "beam_rows": ("Beam ReadFromText + RunInference, row by row, one core; ours as it is by default", 6.0),
    "start-up to 100 scored rows": ("start of the command to 100 scored rows, 8 s allowed", 1.0),
}
"""Name -> what it is, and the least ratio that is aimed at."""

MOST: Final = {"time per beat, ": 1.1, "peak memory, ": 1.1}
"""Beginning of a name -> the largest ratio."""


def table(lines: Iterable[str]) -> str:
    """Return the table of those comparisons, JSON as the benchmarks print them, that are about scoring."""
    rows = [row for line in lines if (row := _row(json.loads(line))) is not None]
    return "\n".join(["| what | here | against | ratio | aim |", "|---|---|---|---|---|", *rows]) + "\n"


def _row(line: Mapping[str, Any]) -> str | None:
    name, ratio = line["name"], line["ratio"]
    other = line["limit"] if "limit" in line else line["peer"]
    figures = f"{_figure(line['ours'])} {line['unit']} | {_figure(other)} {line['unit']}"
    if name in LEAST:
        what, aim = LEAST[name]
        return f"| {what} | {figures} | {_marked(ratio, ratio >= aim)} | >= {aim:g} |"
    for beginning, most in MOST.items():
        if name.startswith(beginning):
            return f"| {name} | {figures} | {_marked(ratio, ratio <= most)} | <= {most:g} |"
    return None


def _marked(ratio: float, reached: bool) -> str:
    return f"**{ratio:.2f}**" if reached else f"{ratio:.2f}, missed"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def placed(page: str, text: str) -> str:
    """Return a page with the table in place of what stands between the marks.

    Raises:
        ValueError: the page lacks a mark.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n\n{text}\n{END}{after}"


def main() -> None:
    """Print the table, and put it into a page."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("lines", type=Path, help="JSON lines of the benchmarks")
    arguments.add_argument("--page", type=Path, help="a page of the docs")
    options = arguments.parse_args()
    text = table(options.lines.read_text().splitlines())
    sys.stdout.write(text)
    if options.page:
        options.page.write_text(placed(options.page.read_text(), text))


if __name__ == "__main__":
    main()
