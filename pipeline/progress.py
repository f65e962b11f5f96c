"""Progress of a long command on stderr: a bar on a terminal, else a line every few seconds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.progress import Progress

PLAIN_SECONDS = 5.0
"""How often a line is written where stderr is not a terminal."""

BAR_SECONDS = 0.1
"""How often a bar is brought up to date."""


class ProgressLine:
    """A context manager around the work; `is_due` says when `show` would be seen.

    Args:
        label: what is counted, before the bar.
    """

    def __init__(self, label: str) -> None:
        from rich.console import Console

        self._label = label
        self._console = Console(stderr=True)
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
        """Show how much is done of how much, and the sentence that says so."""
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
