"""Output of commands: text and tables, and on stderr the progress of long work."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

PLAIN_WIDTH = 140
"""Columns of a table that goes to a file or a pipe."""

PLAIN_SECONDS = 5.0
"""How often a line is written if stderr is not a terminal."""

BAR_SECONDS = 0.1
"""How often a bar is updated."""


def plain_console(width: int | None = None, file: TextIO | None = None, soft_wrap: bool = False) -> Console:
    """Return a console that interprets no text; its output has `width` columns if it is not a terminal."""
    from rich.console import Console

    console = Console(file=file, highlight=False, markup=False, emoji=False, soft_wrap=soft_wrap)
    if width is not None and not console.is_terminal:
        console.width = width
    return console


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]], whole: Sequence[str] = ()) -> None:
    """Print a table on stdout; no line is broken unless that is a terminal, and the columns `whole` never.

    A column is right-aligned if all its values begin with a digit, a minus or nothing.
    """
    from rich import box
    from rich.table import Table

    table, rows = Table(box=box.SIMPLE_HEAD), list(rows)
    for index, name in enumerate(header):
        numeric = index > 0 and all(row[index][:1] in "-0123456789" for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold", no_wrap=name in whole)
    for row in rows:
        table.add_row(*row)
    plain_console(PLAIN_WIDTH).print(table)


class ProgressLine:
    """A bar on a terminal, else a line every few seconds; `is_due` says when `show` would be seen.

    It is a context manager around the work; its label, what is counted, precedes the bar.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._console = plain_console(file=sys.stderr)
        self._bar: Progress | None = None
        self._every = BAR_SECONDS if self._console.is_terminal else PLAIN_SECONDS
        self._shown: float | None = None

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def is_due(self) -> bool:
        """Return whether enough time has passed since the last line or update, or since the first call of this."""
        if self._shown is None:
            self._shown = time.monotonic()
            return self._console.is_terminal
        return time.monotonic() - self._shown >= self._every

    def show(self, done: float, total: float, text: str) -> None:
        """Show how much is done, as a bar and as text."""
        self._shown = time.monotonic()
        if not self._console.is_terminal:
            click.echo(text, err=True)
            return
        if self._bar is None:
            from rich.progress import BarColumn, Progress, TextColumn

            columns = TextColumn(self._label), BarColumn(), TextColumn("{task.fields[text]}")
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._bar.add_task(self._label, total=total, text=text)
            self._bar.start()
        self._bar.update(self._bar.task_ids[0], completed=done, text=text)
