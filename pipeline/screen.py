"""The screen output of a run: plan, progress, closing table and sentences. Everything else is in its log."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table

from components.beat import CLASSES
from components.errors import counted
from components.settings import differences
from components.verdict import PUSHED_BEFORE, SYNTHETIC, SYNTHETIC_MARK, Verdict, data_caveats
from pipeline.console import plain_console
from pipeline.runfolder import Locations
from pipeline.settings import RunSettings, settings_from
from pipeline.summary import StageRecord, Summary

REAL_BEATS = (
    "For real beats put Kaggle's mitbih_train.csv and mitbih_test.csv into data/ or name their folder with --data, "
    "or make them from PhysioNet's records with `heartbeat prepare`."
)
PLAIN_WIDTH = 110  # columns of output that goes to a file or a pipe


@dataclass(frozen=True)
class Terminal:
    """The streams that the user sees: results on `out`, progress on `err`."""

    out: TextIO
    err: TextIO


@contextmanager
def output_captured(log: Path) -> Iterator[Terminal]:
    """Send file descriptors 1 and 2 to a log file (appended), and yield the terminal that they led to.

    TensorFlow's C++ code, absl, Beam, Keras and warnings all write to these descriptors: the log keeps what they print.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    out, err = (os.fdopen(os.dup(number), "w", encoding="utf-8", errors="backslashreplace") for number in (1, 2))
    root = logging.getLogger()
    level = root.level
    with out, err, log.open("a", encoding="utf-8", buffering=1) as file:
        handler = logging.StreamHandler(file)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname).1s %(name)s %(message)s"))
        root.addHandler(handler)
        root.setLevel(logging.INFO)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            with redirect_stdout(file), redirect_stderr(file):
                yield Terminal(out, err)
        finally:
            root.removeHandler(handler)
            root.setLevel(level)
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)


class Screen:
    """Writes progress to a terminal's `err` and the closing table to its `out`."""

    def __init__(self, terminal: Terminal) -> None:
        self.err = plain_console(PLAIN_WIDTH, terminal.err)
        self.out = plain_console(PLAIN_WIDTH, terminal.out)

    def plan(self, settings: RunSettings, locations: Locations, synthetic: bool, log: Path) -> None:
        """Say what the run will do and where things go."""
        self.err.print(f"Heartbeat, profile {settings.profile}: {counted(len(settings.stages), 'stage')}")
        for name, value in (
            ("data", f"{shown(locations.data)}{f' ({SYNTHETIC_MARK})' if synthetic else ''}"),
            ("root", shown(locations.root)),
            ("serving", shown(locations.serving)),
            ("log", shown(log)),
        ):
            self.err.print(f"  {name:<8} {value}", soft_wrap=True)
        for line in changed_settings(settings):
            _say(self.err, f"  set      {line}")
        if synthetic:
            _say(self.err, f"{SYNTHETIC.sentence} {REAL_BEATS}")

    @contextmanager
    def stage(self, position: int, count: int, record: StageRecord) -> Iterator[None]:
        """Show a stage while it runs, with the epochs of a training, and one line when it has ended."""
        title = f"[{position:>2}/{count}] {record.name}"
        handler = _EpochHandler(self.err, title)
        logger = logging.getLogger("heartbeat.progress")
        logger.setLevel(logging.INFO)
        logger.addHandler(handler)
        try:
            with self.err.status(title) if self.err.is_terminal else nullcontext() as handler.status:
                yield
        finally:
            logger.removeHandler(handler)
            self.err.print(f"{title:<26} {record.state:<7} {record.seconds:>7.1f} s")

    def close(self, summary: Summary, run_folder: Path, report: Path | None) -> None:
        """Print the closing table, the metrics that matter and the verdict."""
        table = Table(title=f"Run {summary.run}: {summary.status.replace('_', ' ')}", title_justify="left")
        for column in ("stage", "state"):
            table.add_column(column)
        for column in ("seconds", "CPU s", "rows"):
            table.add_column(column, justify="right")
        for stage in summary.stages:
            rows = "" if stage.rows is None else f"{stage.rows:,}"
            table.add_row(stage.name, stage.state, f"{stage.seconds:.1f}", f"{stage.cpu_seconds:.1f}", rows)
        if any(stage.state != "skipped" for stage in summary.stages):
            self.out.print(table)
        if summary.metrics:
            self.out.print(metrics_table(summary.metrics))
        for verdict in (*missing_caveats(summary), *summary.verdict):
            _say(self.out, verdict.sentence)
        again = any(verdict.code == PUSHED_BEFORE for verdict in summary.verdict)
        ends = {
            "Serves" if again else "Pushed to": summary.model["pushed"],
            "Summary": run_folder / "summary.json",
            "Log": run_folder / "log.txt",
            "Report": report,
        }
        for name, location in ends.items():
            if location is not None:
                self.out.print(f"{name:<9} {shown(location)}", soft_wrap=True)
        if any(stage.name == "Trainer" and stage.state in ("ran", "cached") for stage in summary.stages):
            logs = run_folder.parents[1] / "tfx"
            self.out.print(f"Curves    tensorboard --logdir {quote(shown(logs))}", soft_wrap=True)

    def summary_json(self, summary_file: Path) -> None:
        """Print the summary itself instead of the table."""
        self.out.file.write(summary_file.read_text(encoding="utf-8"))
        self.out.file.flush()


def shown(location: str | Path) -> str:
    """Return a path as a person would type it: relative if it is below the working directory."""
    path = Path(location)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(location)


def missing_caveats(summary: Summary) -> list[Verdict]:
    """List the caveats about the data that no gate has given yet."""
    codes = {verdict.code for verdict in summary.verdict}
    caveats = data_caveats(summary.data["split"], summary.data["synthetic"])
    return [caveat for caveat in caveats if caveat.code not in codes]


def metrics_table(metrics: dict[str, Any]) -> Table:
    """Tabulate accuracy, macro-F1 and recall of every model on clean and noisy test beats."""
    table = Table(title="On the test split", title_justify="left")
    table.add_column("model")
    for column in ("accuracy", "macro-F1", "loss", *(f"recall {symbol}" for symbol in CLASSES)):
        table.add_column(column, justify="right")
    trained = {
        "clean-trained": metrics["trainer"],
        "body frozen": metrics["frozen"],
        "fine-tuned": {"clean": metrics["clean"], "noisy": metrics["noisy"]},
    }
    for name, of_model in trained.items():
        for beats, m in of_model.items():
            recall = ["-" if value is None else f"{value:.3f}" for value in m["recall"]]
            row = (f"{m['accuracy']:.2%}", f"{m['macro_f1']:.3f}", f"{m['loss']:.3f}", *recall)
            table.add_row(f"{name}, {beats}", *row)
    return table


def changed_settings(settings: RunSettings) -> list[str]:
    """List the settings that differ from their profile's, as `group.name = value (profile: value)`."""
    now, profile = (each.model_dump(mode="json") for each in (settings, settings_from(settings.profile)))
    return [f"{name} = {value!r} (profile: {usual!r})" for name, value, usual in differences(now, profile)]


def _say(console: Console, sentence: str) -> None:
    """Print a sentence: broken between words on a terminal, whole in a file or a pipe."""
    console.print(sentence, soft_wrap=not console.is_terminal)


class _EpochHandler(logging.Handler):
    """Shows the JSON lines that trainings write to the logger `heartbeat.progress`."""

    def __init__(self, console: Console, title: str) -> None:
        super().__init__()
        self.status: Any = None
        self._console, self._title = console, title

    def emit(self, record: logging.LogRecord) -> None:
        progress = json.loads(record.getMessage())
        phase = f" {progress['phase']}" if progress.get("phase") else ""
        figures = [
            f"{name} {progress[name]:.4f}" for name in ("loss", "val_accuracy") if progress.get(name) is not None
        ]
        line = f"{self._title}{phase}: epoch {progress['epoch']}/{progress['epochs']} {' '.join(figures)}"
        if self.status is not None:
            self.status.update(line)
        else:
            self._console.print(line)
