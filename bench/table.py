"""The figures of the benchmarks as a table in Markdown, from the JSON lines of the benchmarks.

Usage: python -m bench.table LINES.jsonl [--page docs/scoring.md]

With a page, the table replaces what is between its two marks.
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


def table(lines: Iterable[str]) -> str:
    """Return the table of comparisons, JSON as the benchmarks print them."""
    rows = [_row(json.loads(line)) for line in lines]
    head = ["| what | Heartbeat | compared with | ratio (least to most) | target |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"


def _row(line: Mapping[str, Any]) -> str:
    ratio, target, unit = line["ratio"], line.get("target", ""), line["unit"]
    other = line["limit"] if "limit" in line else line["peer"]
    shown = f"{ratio:.2f}"
    if target:
        sign, _, wanted = target.partition(" ")
        reached = ratio >= float(wanted) if sign == ">=" else ratio <= float(wanted)
        shown = f"**{shown}**" if reached else f"{shown}, missed"
    if "spread" in line:
        shown += " ({:.2f} to {:.2f})".format(*line["spread"])
    return f"| {line['name']} | {_figure(line['ours'])} {unit} | {_figure(other)} {unit} | {shown} | {target} |"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def placed(page: str, text: str) -> str:
    """Return the page with the table between its marks.

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
